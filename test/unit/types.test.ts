import { join } from 'node:path';
import ts from 'typescript';

test('the compiler refuses what it must, and nothing else', () => {
  const root = join(__dirname, '../..');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([join(root, 'test/types/props.ts')], options);
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, start = 0, messageText }) =>
      [
        file?.fileName,
        file && file.getLineAndCharacterOfPosition(start).line + 1,
        ts.flattenDiagnosticMessageText(messageText, ' '),
      ].join(' '),
    );
  expect(messages).toEqual([]);
}, 60_000);
