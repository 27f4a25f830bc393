import { InvalidArgumentError, type DurationValue } from '../../src/client';
import {
  aggregate,
  anomalyScore,
  bottomk,
  correlation,
  cpuUtilization,
  diskThroughput,
  diskUtilization,
  errorRatio,
  expr,
  labelReplace,
  latencyQuantiles,
  matching,
  meanDuration,
  memoryUtilization,
  metric,
  noneOf,
  not,
  notMatching,
  oneOf,
  predictLinear,
  requestRate,
  rollup,
  startingWith,
  topk,
  type Expression,
  type Matchers,
  type RangeVector,
} from '../../src/client/metricsql';

const requests = metric('http_requests_total');

/** The message of the error, which must be of ours. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

describe('metric', () => {
  it.each<[string, Matchers, string]>([
    ['up', {}, 'up'],
    ['up', { job: 'a' }, 'up{job="a"}'],
    ['up', { job: 'a', zone: not('') }, 'up{job="a", zone!=""}'],
    ['up', { code: matching('5..'), path: notMatching('/a|/b') }, 'up{code=~"5..", path!~"/a|/b"}'],
    ['up', { code: [matching('5..'), not('503')] }, 'up{code=~"5..", code!="503"}'],
    ['up', { code: oneOf('a|b', '.*') }, String.raw`up{code=~"a\\|b|\\.\\*"}`],
    ['up', { code: noneOf('(a)') }, String.raw`up{code!~"\\(a\\)"}`],
    ['up', { path: startingWith('/a.b') }, String.raw`up{path=~"/a\\.b(?s:.*)"}`],
    ['up', { 'service.name': 'a' }, 'up{"service.name"="a"}'],
    ['up', { job: '"} or {a="' }, String.raw`up{job="\"} or {a=\""}`],
    ['up', { job: 'a\\\n\0ü😀' }, String.raw`up{job="a\\\u000a\u0000ü😀"}`],
    ['http.server.duration', {}, String.raw`{__name__=~"http\\.server\\.duration"}`],
    ['NaN', { a: 'b' }, '{__name__=~"NaN", a="b"}'],
    ['sum', {}, '{__name__=~"sum"}'],
    ['a b"', {}, String.raw`{__name__=~"a b\""}`],
  ])('%j %j', (name, matchers, text) => {
    expect(String(metric(name, matchers))).toBe(text);
  });

  it('takes a condition for its name', () => {
    expect(String(metric(matching('node_.*'), { job: 'a' }))).toBe('{__name__=~"node_.*", job="a"}');
    expect(String(metric(not('up')))).toBe('{__name__!="up"}');
  });

  it('is narrowed without a change of the first', () => {
    const failed = requests.where({ code: matching('5..') }).where({ code: not('503') });
    expect(String(failed)).toBe('http_requests_total{code=~"5..", code!="503"}');
    expect(String(requests)).toBe('http_requests_total');
    expect(() => Object.assign(requests, { toString: () => 'x' })).toThrow(TypeError);
    expect(Object.isFrozen(requests.op('+', 1))).toBe(true);
    expect(Object.isFrozen(requests.over('5m'))).toBe(true);
  });

  it.each<[() => unknown, string]>([
    [() => metric(''), `name: empty; give the name of a metric such as 'up'`],
    [
      () => metric('up', { 'a"': 'b' }),
      String.raw`matchers: "a\"" is not a label name; use letters, digits and any of _ . : / -, a letter or _ first`,
    ],
    [() => metric('up', { __name__: 'b' }), 'matchers.__name__: the name comes first; write metric(name, { ... })'],
    [
      () => metric('up', { a: '\ud800' }),
      String.raw`matchers.a: "\ud800" holds half of a surrogate pair, which UTF-8 cannot carry; remove it`,
    ],
    [
      () => metric('up', { a: undefined as unknown as string }),
      `matchers.a: undefined is no condition; give a string, or matching('5..')`,
    ],
    [
      () => metric('up', { a: 5 as unknown as string }),
      `matchers.a: 5 is no condition; give a string, or matching('5..')`,
    ],
    [() => oneOf(), 'oneOf: without a value it would mean the empty value; give at least one'],
    [() => noneOf(), 'noneOf: without a value it would mean the empty value; give at least one'],
    [() => oneOf('a', 1 as unknown as string), 'oneOf[1]: 1 is a number; give a string'],
    [() => matching(/5../ as unknown as string), 'matcher: /5../ is a object; give a string'],
  ])('refuses what cannot be asked for %#', (make, message) => {
    expect(refusal(make)).toBe(message);
  });
});

describe('an expression', () => {
  const a = metric('a');
  const b = metric('b');

  it.each<[Expression, string]>([
    [a.op('+', b), 'a + b'],
    [a.op('+', b).op('*', 2), '(a + b) * 2'],
    [a.op('-', b.op('-', a)), 'a - (b - a)'],
    [a.op('^', -0.5), 'a ^ (-0.5)'],
    [a.op('*', -Infinity).op('+', NaN), '(a * (-Inf)) + NaN'],
    [a.op('+', 1e21).op('-', 5e-324), '(a + 1e+21) - 5e-324'],
    [a.op('>', 5).op('and', b, { on: ['x'] }), '(a > 5) and on (x) b'],
    [a.op('*', b, { on: ['x', 'y.z'], groupLeft: ['v'] }), 'a * on (x, "y.z") group_left (v) b'],
    [a.op('/', b, { ignoring: ['x'], groupRight: [] }), 'a / ignoring (x) group_right () b'],
    [a.op('==', b, { on: [] }), 'a == on () b'],
    [rollup('rate', a.over('5m')), 'rate(a[5m])'],
    [rollup('rate', a.over('1h30m')), 'rate(a[1h30m])'],
    [rollup('rate', a.over(90_000)), 'rate(a[90s])'],
    [rollup('rate', a.over(7_200_000)), 'rate(a[2h])'],
    [rollup('rate', a.over(1500)), 'rate(a[1500ms])'],
    [rollup('max_over_time', a.op('+', b).over('1h', '1m')), 'max_over_time((a + b)[1h:1m])'],
    [rollup('max_over_time', rollup('rate', a.over('5m')).over('1h', 1)), 'max_over_time(rate(a[5m])[1h:1ms])'],
    [predictLinear(a.over('1h'), '4h'), 'predict_linear(a[1h], 14400)'],
    [aggregate('sum', a), 'sum(a)'],
    [aggregate('max', a.op('+', b), { by: ['x'] }), 'max by (x) (a + b)'],
    [aggregate('count', a, { without: ['x', 'y'] }), 'count without (x, y) (a)'],
    [topk(3, a, { by: ['x'] }), 'topk by (x) (3, a)'],
    [bottomk(1, a), 'bottomk(1, a)'],
    [
      labelReplace(a, { target: 'host', replacement: '$1"', source: 'instance', pattern: '(.*):\\d+' }),
      String.raw`label_replace(a, "host", "$1\"", "instance", "(.*):\\d+")`,
    ],
  ])('%s', (expression, text) => {
    expect(String(expression)).toBe(text);
  });

  it.each<[() => unknown, string]>([
    [
      () => a.op(') or vector(1) or (' as '+', b),
      'operator: ") or vector(1) or (" is none; use one of + - * / % ^ atan2 == != > < >= <= and or unless if ifnot default',
    ],
    [
      () => a.op('+', '1' as unknown as number),
      `right: not an Expression; make it by metric('name', ...) or expr\`...\``,
    ],
    [
      () => a.op('+', { toString: () => '1) or (2' } as unknown as Expression),
      `right: not an Expression; make it by metric('name', ...) or expr\`...\``,
    ],
    [
      () => a.op('+', b, {} as { on: [] }),
      'matching: on and ignoring exclude each other and one is needed; give one of them',
    ],
    [
      () => a.op('*', b, { on: ['x) y('] }),
      'on[0]: "x) y(" is not a label name; use letters, digits and any of _ . : / -, a letter or _ first',
    ],
    [() => a.op('*', b, { on: 'x' as unknown as [] }), 'on: not a list; write [...] around it'],
    [
      // @ts-expect-error the sets know no groups
      () => a.op('and', b, { on: ['x'], groupLeft: [] }),
      'matching: groupLeft and groupRight exclude each other and are for arithmetic and comparisons; leave one out',
    ],
    [
      // @ts-expect-error by and without exclude each other
      () => aggregate('sum', a, { by: ['x'], without: ['y'] }),
      'by, without: they exclude each other; give one of them',
    ],
    [() => topk(0, a), 'count: 0 is not a count; give a whole number of 1 or more'],
    // @ts-expect-error not a range
    [() => rollup('rate', a), `range: not a RangeVector; make it by metric('name').over('5m')`],
    [
      () => labelReplace(a, { target: 'a b', replacement: '', source: 'c', pattern: '' }),
      'target: "a b" is not a label name; use letters, digits and any of _ . : / -, a letter or _ first',
    ],
  ])('refuses what cannot be calculated %#', (make, message) => {
    expect(refusal(make)).toBe(message);
  });

  it('refuses functions that it does not know', () => {
    expect(refusal(() => rollup('rate(x' as 'rate', a.over('5m')))).toMatch(
      /^rollup: "rate\(x" is none; use one of avg_/,
    );
    expect(refusal(() => aggregate('sums' as 'sum', a))).toMatch(/^aggregate: "sums" is none; use one of any, /);
  });

  it.each<[DurationValue]>([
    [''],
    ['5'],
    ['5M'],
    ['5 m'],
    ['-5m'],
    ['0s'],
    ['5m] or a['],
    [0],
    [-1],
    [1.5],
    [NaN],
    ['5i'],
  ])('refuses the duration %j', (duration) => {
    expect(refusal(() => a.over(duration))).toMatch(/^window: .* is not a duration; give whole milliseconds/);
    expect(refusal(() => a.over('1h', duration))).toMatch(/^step: /);
    expect(refusal(() => predictLinear(a.over('1h'), duration))).toMatch(/^ahead: /);
  });
});

describe('queries', () => {
  const by = ['service'];
  const durations = metric('http_request_duration_seconds', { service: 'shop' });

  it('ask about requests', () => {
    expect(String(requestRate(requests))).toBe('sum(rate(http_requests_total[5m]))');
    expect(String(requestRate(requests, { by, window: '1m' }))).toBe(
      'sum by (service) (rate(http_requests_total[1m]))',
    );
    expect(String(errorRatio({ errors: requests.where({ code: '500' }), total: requests, by }))).toBe(
      '(sum by (service) (rate(http_requests_total{code="500"}[5m])) / sum by (service) (rate(http_requests_total[5m])))' +
        ' or (sum by (service) (rate(http_requests_total[5m])) * 0)',
    );
    expect(String(latencyQuantiles(durations, 0.99, { by }))).toBe(
      'histogram_quantile(0.99, sum by (service, le, vmrange) (rate(http_request_duration_seconds_bucket{service="shop"}[5m])))',
    );
    expect(String(latencyQuantiles(durations, [0.5, 0.99, 0.5]))).toBe(
      'histogram_quantiles("quantile", 0.5, 0.99, sum by (le, vmrange) (rate(http_request_duration_seconds_bucket{service="shop"}[5m])))',
    );
    expect(String(meanDuration(durations, { window: '10m' }))).toBe(
      'sum(rate(http_request_duration_seconds_sum{service="shop"}[10m])) / sum(rate(http_request_duration_seconds_count{service="shop"}[10m]))',
    );
  });

  it('ask about nodes', () => {
    const nodes = { instance: 'a:9100' };
    expect(String(cpuUtilization({ nodes, window: '2m' }))).toBe(
      '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle", instance="a:9100"}[2m]))',
    );
    expect(String(memoryUtilization({ nodes }))).toBe(
      '1 - (min by (instance) (node_memory_MemAvailable_bytes{instance="a:9100"}) / max by (instance) (node_memory_MemTotal_bytes{instance="a:9100"}))',
    );
    const disks = 'device!~"dm-.*|loop.*|md.*|ram.*|zram.*"';
    expect(String(diskUtilization())).toBe(`max by (instance) (rate(node_disk_io_time_seconds_total{${disks}}[5m]))`);
    expect(String(diskThroughput())).toBe(
      `sum by (instance) (rate(node_disk_read_bytes_total{${disks}}[5m])) + sum by (instance) (rate(node_disk_written_bytes_total{${disks}}[5m]))`,
    );
  });

  it('ask about a past', () => {
    expect(String(anomalyScore(metric('a_b'), { window: '1h' }))).toBe(
      'abs(a_b - median_over_time(a_b[1h])) / (mad_over_time(a_b[1h]) * 1.4826)',
    );
    expect(String(correlation(metric('a_b'), metric('c_d'), { window: '1h', step: '1m', on: ['x'] }))).toBe(
      'clamp((avg_over_time((a_b * on (x) c_d)[1h:1m]) - on (x) ' +
        '(avg_over_time((a_b if on (x) c_d)[1h:1m]) * on (x) avg_over_time((c_d if on (x) a_b)[1h:1m]))) / on (x) ' +
        '((stddev_over_time((a_b if on (x) c_d)[1h:1m]) * on (x) stddev_over_time((c_d if on (x) a_b)[1h:1m])) > 0), -1, 1)',
    );
  });

  it.each<[() => unknown, string]>([
    [() => latencyQuantiles(durations, 99), 'quantiles: 99 is no quantile; give it from 0 to 1, as 0.99'],
    [() => latencyQuantiles(durations, [NaN]), 'quantiles: NaN is no quantile; give it from 0 to 1, as 0.99'],
    [() => latencyQuantiles(durations, []), 'quantiles: an empty list; give at least one'],
    [
      () => latencyQuantiles(metric('a_bucket', { x: 'y' }), 0.5),
      `histogram: a_bucket{x="y"} is no histogram; give metric('<name>', ...) with its name alone, without _bucket, _sum or _count`,
    ],
    [
      () => meanDuration(metric(matching('a'))),
      `histogram: {__name__=~"a"} is no histogram; give metric('<name>', ...) with its name alone, without _bucket, _sum or _count`,
    ],
  ])('refuse what has no answer %#', (make, message) => {
    expect(refusal(make)).toBe(message);
  });
});

describe('expr', () => {
  const a = metric('a');

  it.each<[Expression, string]>([
    [expr`up`, 'up'],
    [expr`sum(rate(x_y{job=${'a"b'}}[5m])) > ${-5}`, String.raw`sum(rate(x_y{job="a\"b"}[5m])) > (-5)`],
    [expr`2 * ${a.op('+', 1)}`, '2 * (a + 1)'],
    [expr`deriv(${a.over('5m')})`, 'deriv(a[5m])'],
    [expr`1 + 2`.op('*', 3), '(1 + 2) * 3'],
    [expr`"it's #1" == ${'a'}`, `"it's #1" == "a"`],
    [expr`x{a=~"\\d\"", b=${'c'}}`, String.raw`x{a=~"\\d\"", b="c"}`],
    [
      expr`up # all of them
      + ${1}`,
      'up # all of them\n      + 1',
    ],
  ])('%s', (expression, text) => {
    expect(String(expression)).toBe(text);
  });

  it.each<[() => unknown, string]>([
    [
      () => expr`x{a="${'", b="c'}"}`,
      'value 1: stands in quotes; remove what is around it: strings get quotes of their own',
    ],
    [
      () => expr`x{a=${'b'}, c='${'d'}'}`,
      'value 2: stands in quotes; remove what is around it: strings get quotes of their own',
    ],
    [() => expr`x # ${'a'}`, 'value 1: stands in a comment; remove what is around it: strings get quotes of their own'],
    [() => expr`x # y`, 'template: ends in a comment; the expression could not be part of another'],
    [() => expr`x{a="${'b'}`, 'value 1: stands in quotes; remove what is around it: strings get quotes of their own'],
    [() => expr`x{a="b`, 'template: ends in an open string; the expression could not be part of another'],
    [
      () => expr`x + ${{ toString: () => '1' } as unknown as RangeVector}`,
      `value 1: not an Expression; make it by metric('name', ...) or expr\`...\``,
    ],
    [
      () => expr`x + ${undefined as unknown as number}`,
      `value 1: not an Expression; make it by metric('name', ...) or expr\`...\``,
    ],
    [
      () => expr`x + ${null as unknown as number}`,
      `value 1: not an Expression; make it by metric('name', ...) or expr\`...\``,
    ],
  ])('refuses what would not be a value %#', (make, message) => {
    expect(refusal(make)).toBe(message);
  });
});
