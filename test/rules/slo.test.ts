import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadEndpoint, Slo, SLO_SERIES, VmAlert, WriteEndpoint } from '../../src';
import { describeWith } from '../integration/runner';
import { find, synth } from '../unit/synth';
import { run } from './programs';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'slo-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the rules of an objective of 99 %, as a vmalert has them. @returns the names of the files */
function ruleFiles(): string[] {
  const manifests = synth((chart) => {
    new VmAlert(chart, 'alert', {
      datasource: ReadEndpoint.external('https://metrics.example.com'),
      remoteWrite: WriteEndpoint.external('https://metrics.example.com/api/v1/write'),
      rules: [
        Slo.of({
          name: 'checkout',
          objective: 0.99,
          errors: 'sum(rate(errors_total[$window]))',
          total: 'sum(rate(requests_total[$window]))',
        }).rules(),
      ],
    });
  });
  const files = find(manifests, 'ConfigMap', 'alert-vmalert-rules')['data'] as Record<string, string>;
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return Object.keys(files);
}

/** What is left of the budget after a day, of counters in the notation of vmalert-tool. */
function budgetAfterADay(series: Readonly<Record<string, string>>, left: number): object {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    metricsql_expr_test: [
      {
        expr: `round(${SLO_SERIES.budgetRemaining}, 0.01)`,
        eval_time: '24h',
        exp_samples: [{ labels: `{__name__="${SLO_SERIES.budgetRemaining}",slo="checkout"}`, value: left }],
      },
    ],
  };
}

describeWith(['vmalert-tool'], 'an objective in vmalert-tool', () => {
  it('has a budget by the count of events, of which a quiet night has few', async () => {
    const rule_files = ruleFiles();
    const tests = [
      // A bad event a minute at night, where there is no other, and a thousand good ones a minute by day: 0.1 % bad.
      budgetAfterADay({ requests_total: '0+1000x720 720001+1x720', errors_total: '0x720 1+1x720' }, 0.9),
      // Half a minute of nothing but bad events by day, 0.07 % of all.
      budgetAfterADay({ requests_total: '0+1000x720 720001+1x720', errors_total: '0x10 500x1430' }, 0.93),
      // No bad event was ever counted.
      budgetAfterADay({ requests_total: '0+1000x1440' }, 1),
    ];
    const file = join(folder, 'slo.test.yaml');
    writeFileSync(file, JSON.stringify({ rule_files, evaluation_interval: '5m', tests }));
    expect(await run('vmalert-tool', ['unittest', '--files', file])).toContain('SUCCESS');
  }, 120_000);
});
