import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** Below the packages that the declarations name. */
const CACHE = join(ROOT, 'node_modules/.cache');

interface Package {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

test('the declarations of the package are whole', () => {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'declarations-'));
  try {
    const lib = join(folder, 'lib');
    const build = ['-p', join(ROOT, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', lib];
    execFileSync(process.execPath, [TSC, ...build]);
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package;
    const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
    const program = ts.createProgram(
      entries.map((types) => join(folder, types)),
      { module: ts.ModuleKind.Node20, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true, types: ['node'] },
    );
    const errors = ts.getPreEmitDiagnostics(program).filter(({ file }) => file?.fileName.startsWith(folder));
    // Other packages answer for theirs.
    expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
    expect(unnamedTypes(program, folder)).toEqual([]);
    expect(entries.length).toBeGreaterThan(4);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);

/** The types in the declarations that users cannot name, since no entry exports them. */
function unnamedTypes(program: ts.Program, folder: string): string[] {
  const checker = program.getTypeChecker();
  const symbolOf = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declarationsOf = ({ declarations = [] }: ts.Symbol) =>
    declarations.filter((declaration) => declaration.getSourceFile().fileName.startsWith(folder));
  const exportsOf = (module: ts.Symbol): ts.Symbol[] =>
    checker.getExportsOfModule(module).flatMap((given) => {
      const symbol = symbolOf(given);
      return symbol.flags & ts.SymbolFlags.ValueModule ? exportsOf(symbol) : [symbol];
    });
  const exported = new Set(
    program
      .getRootFileNames()
      .flatMap((entry) => exportsOf(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)),
  );
  const unnamed = new Set<string>();
  const walk = (node: ts.Node) => {
    // The base of a class is named by nobody, nor are the units of a text.
    if ((ts.isHeritageClause(node) && ts.isClassLike(node.parent)) || ts.isTemplateLiteralTypeNode(node)) return;
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    const type = symbol && symbolOf(symbol);
    if (type && type.flags & ts.SymbolFlags.Type && !(type.flags & ts.SymbolFlags.TypeParameter)) {
      if (!exported.has(type) && declarationsOf(type).length > 0) unnamed.add(type.name);
    }
    ts.forEachChild(node, walk);
  };
  for (const declaration of [...exported].flatMap(declarationsOf)) walk(declaration);
  return [...unnamed].sort();
}
