import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describeWith } from '../integration/runner';
import { run } from './programs';

const FOLDER = join(__dirname, '../../rules');
const TEST_FILE = '.test.yaml';

/** A dead man's switch has no silent case. */
const ALWAYS_FIRING = ['Watchdog'];

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Partial<Alert>[] }[];
}

interface Alert {
  readonly group: string;
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface TestFile {
  readonly rule_files: readonly string[];
  readonly tests: readonly { readonly alert_rule_test?: readonly AlertCase[] }[];
}

interface AlertCase {
  readonly groupname: string;
  readonly alertname: string;
  readonly exp_alerts?: readonly { readonly exp_labels?: Readonly<Record<string, string>> }[] | null;
}

const files = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .sort();
const ruleFiles = files.filter((file) => !file.endsWith(TEST_FILE));
const testFiles = files.filter((file) => file.endsWith(TEST_FILE));

function read(file: string): unknown {
  return parse(readFileSync(join(FOLDER, file), 'utf8'));
}

function alertsOf(file: string): Alert[] {
  return (read(file) as RuleFile).groups.flatMap(({ name, rules }) =>
    rules.flatMap(({ alert, labels = {}, annotations = {} }) =>
      alert === undefined ? [] : [{ group: name, alert, labels, annotations }],
    ),
  );
}

/**
 * What a test file lacks: of each alert one case in which it fires, and one in which it is silent. An alert that has a
 * warning and a critical rule needs them of both.
 */
function missingCases(file: string, { tests }: TestFile): string[] {
  const cases = tests.flatMap((test) => test.alert_rule_test ?? []);
  return alertsOf(file).flatMap(({ group, alert, labels: { severity } }) => {
    const firing = cases
      .filter(({ groupname, alertname }) => groupname === group && alertname === alert)
      .map(({ exp_alerts }) => (exp_alerts ?? []).some(({ exp_labels }) => exp_labels?.severity === severity));
    return [
      ...(firing.includes(true) ? [] : [`${alert} (${severity}) never fires`]),
      ...(firing.includes(false) || ALWAYS_FIRING.includes(alert) ? [] : [`${alert} (${severity}) is never silent`]),
    ];
  });
}

test.each(ruleFiles)('%s has a firing and a silent case of each alert in the file beside it', (file) => {
  const tests = read(file.replace(/\.yaml$/, TEST_FILE)) as TestFile;
  expect(tests.rule_files).toContain(file);
  expect(missingCases(file, tests)).toEqual([]);
});

test('a missing case is found', () => {
  const file = 'victoriametrics-query.yaml';
  const { group, alert, labels } = alertsOf(file)[0]!;
  const found = (...severities: readonly string[][]) =>
    missingCases(file, {
      rule_files: [file],
      tests: severities.map((firing) => ({
        alert_rule_test: [
          {
            groupname: group,
            alertname: alert,
            exp_alerts: firing.map((severity) => ({ exp_labels: { severity } })),
          },
        ],
      })),
    }).filter((problem) => problem.startsWith(alert));
  const { severity } = labels;
  const neverFires = `${alert} (${severity}) never fires`;
  const neverSilent = `${alert} (${severity}) is never silent`;
  expect(found()).toEqual([neverFires, neverSilent]);
  expect(found([severity!])).toEqual([neverSilent]);
  expect(found([])).toEqual([neverFires]);
  expect(found(['other'])).toEqual([neverFires]);
  expect(found([], [severity!, 'other'])).toEqual([]);
});

test.each(testFiles)('%s tests rules that exist', (file) => {
  expect(ruleFiles).toContain(file.replace(TEST_FILE, '.yaml'));
});

test('every alert has a severity that is routed, and says what to do', () => {
  const incomplete = ruleFiles
    .flatMap(alertsOf)
    .filter(
      ({ labels, annotations }) =>
        !['critical', 'warning', 'info'].includes(labels.severity ?? '') ||
        !annotations.summary ||
        !annotations.description,
    );
  expect(incomplete).toEqual([]);
});

test('every group has a name of its own', () => {
  const names = ruleFiles.flatMap((file) => (read(file) as RuleFile).groups.map(({ name }) => name));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describeWith(['vmalert'], 'rules in vmalert', () => {
  it.each(ruleFiles)('loads %s', async (file) => {
    await run('vmalert', ['-dryRun', `-rule=${join(FOLDER, file)}`]);
  });
});

describeWith(['vmalert-tool'], 'rules in vmalert-tool', () => {
  it.each(testFiles)(
    'passes %s',
    async (file) => {
      expect(await run('vmalert-tool', ['unittest', '--files', join(FOLDER, file)])).toContain('SUCCESS');
    },
    120_000,
  );
});
