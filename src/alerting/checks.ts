import type { Duration } from 'cdk8s';
import { milliseconds, type Problems } from '../validation';
import { Tenant } from '../values';
import type { Endpoint, ReadEndpoint, WriteEndpoint } from '../wiring';
import { parseRuleDuration } from './rule-duration';
import { TENANT_LABELS, type FileGroup } from './rule-group';
import { groupFile, type SourcedGroup } from './rules';

/** What rules are evaluated with. */
export interface Evaluation {
  readonly groups: readonly SourcedGroup[];
  readonly datasource?: ReadEndpoint;
  readonly remoteWrite?: WriteEndpoint;
  readonly remoteRead?: ReadEndpoint;
  readonly notifiers: readonly Endpoint[];
  readonly replicas: number;
  readonly evaluationInterval: Duration;
  readonly externalLabels?: Readonly<Record<string, string>>;
}

export function checkEvaluation(evaluation: Evaluation, problems: Problems): void {
  checkGroups(evaluation, problems);
  checkTenants(evaluation, problems);
  checkNotifiers(evaluation, problems);
  checkReplicas(evaluation, problems);
  const { remoteWrite, remoteRead, groups } = evaluation;
  problems.when(remoteRead !== undefined && remoteWrite === undefined, {
    prop: 'remoteRead',
    value: remoteRead?.url,
    rule: 'there is no state of alerts to read where none is written',
    fix: 'set `remoteWrite`, or remove `remoteRead`',
  });
  const recording = groups.flatMap(({ group: { rules } }) => rules.flatMap(({ record }) => record ?? []));
  problems.when(recording.length > 0 && remoteWrite === undefined, {
    prop: 'remoteWrite',
    value: undefined,
    rule: `the results of recording rules (${recording[0] ?? ''}${recording.length > 1 ? ', ...' : ''}) would be lost`,
    fix: 'write for example `remoteWrite: cluster.write()`',
  });
}

/** Alerts are told by the name of their group, and groups are files. */
function checkGroups({ groups }: Evaluation, problems: Problems): void {
  const seen = new Map<string, FileGroup>();
  for (const { group, source } of groups) {
    const file = groupFile(group);
    const other = seen.get(file);
    problems.when(other !== undefined, {
      prop: source,
      value: group.name,
      rule: `another group has ${other?.name === group.name ? 'the same name' : `the name '${other?.name ?? ''}', and both would be the file ${file}`}`,
      fix: 'rename one of the two',
    });
    seen.set(file, group);
  }
}

function checkTenants(evaluation: Evaluation, problems: Problems): void {
  const { groups, datasource, remoteWrite, remoteRead, externalLabels = {} } = evaluation;
  const group = groups.map((one) => one.group).find(({ tenant }) => tenant !== undefined);
  if (group === undefined) return;
  for (const name of TENANT_LABELS.filter((one) => one in externalLabels)) {
    problems.add({
      prop: `externalLabels['${name}']`,
      value: externalLabels[name],
      rule: `the group '${group.name}' has a tenant of its own, which sets it`,
      fix: 'remove it',
    });
  }
  const endpoints = { datasource, remoteWrite, remoteRead };
  for (const [prop, endpoint] of Object.entries(endpoints)) {
    // Of systems outside nothing is known.
    if (!endpoint?.isInternal || String(endpoint.tenant) === String(Tenant.MULTITENANT)) continue;
    problems.add({
      prop,
      value: endpoint.url,
      rule: `the group '${group.name}' has a tenant of its own, and the URL leads to ${endpoint.tenant ? `tenant ${endpoint.tenant}` : 'a storage without tenants'}`,
      fix: `set it to \`cluster.${endpoint.kind === 'query' ? 'read' : 'write'}(Tenant.MULTITENANT)\`, or remove the \`tenant\` of the group`,
    });
  }
}

function checkNotifiers({ notifiers }: Evaluation, problems: Problems): void {
  const urls = notifiers.map(({ url }) => url);
  for (const [index, url] of urls.entries()) {
    problems.when(urls.indexOf(url) !== index, {
      prop: 'notifiers',
      value: url,
      rule: 'the URL is listed twice, and would be told everything twice',
      fix: 'remove one of the two',
    });
    problems.when(url.includes('?'), {
      prop: 'notifiers',
      value: url,
      rule: 'vmalert appends /api/v2/alerts to it, which parameters would swallow',
      fix: 'remove what follows the ?',
    });
  }
}

/**
 * Replicas evaluate rules for the same points in time, so that any deduplication leaves one of their samples; those of
 * groups that are not aligned are not at the same points.
 */
function checkReplicas(evaluation: Evaluation, problems: Problems): void {
  const { groups, remoteWrite, replicas, evaluationInterval, externalLabels = {} } = evaluation;
  if (replicas < 2) return;
  for (const [name, value] of Object.entries(externalLabels)) {
    problems.when(value.includes('%{'), {
      prop: `externalLabels['${name}']`,
      value,
      rule: 'the value differs from replica to replica, and Alertmanager would take their alerts for different ones',
      fix: 'remove the label: equal alerts are sent once',
    });
  }
  if (!remoteWrite?.isInternal) return;
  const kept = remoteWrite.dedupInterval;
  problems.when(kept === undefined, {
    prop: 'remoteWrite',
    value: remoteWrite.url,
    rule: `${replicas} replicas write every sample, and the storage keeps all of them`,
    fix: `set \`dedupInterval: Duration.seconds(${milliseconds(evaluationInterval) / 1000})\` on the storage, or \`replicas\` to 1`,
  });
  for (const { source, group } of groups) {
    const { name, interval, eval_alignment: aligned, eval_offset: offset } = group;
    if (kept === undefined || (aligned !== false && offset === undefined)) continue;
    const length = interval === undefined ? milliseconds(evaluationInterval) : (parseRuleDuration(interval) ?? 0);
    problems.when(milliseconds(kept) < length, {
      prop: source,
      value: name,
      rule: `${replicas} replicas evaluate it at different points in time, and the storage keeps one sample in ${kept.toHumanString()} only`,
      fix: `set \`dedupInterval\` of the storage to ${length / 1000} s, or leave the time of evaluation to vmalert`,
    });
  }
}
