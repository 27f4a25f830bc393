import { Duration } from 'cdk8s';
import { FlagSet, LIBRARY, vmalertFlags, type VmalertFlags } from '../flags';
import type { Problems } from '../validation';
import { setGracefulFlags } from '../victoria-metrics';
import type { Endpoint } from '../wiring';
import { credentialFiles, type CredentialFiles } from '../workload';
import type { VmAlertProps } from './props';

export const RULES_FOLDER = '/etc/vmalert/rules';

/** What the flags of a vmalert are made from. */
export interface AlertModel extends Partial<Omit<VmAlertProps, 'notifiers' | 'externalUrl'>> {
  /** Every process that is told of alerts. */
  readonly notifiers: readonly Endpoint[];
}

export function alertFlags(props: AlertModel, problems: Problems): FlagSet<VmalertFlags> {
  const { datasource, remoteWrite, remoteRead, notifiers, externalLabels } = props;
  const flags = new FlagSet(vmalertFlags, problems);
  setEndpoint(flags, 'datasource', datasource);
  setEndpoint(flags, 'remoteWrite', remoteWrite);
  setEndpoint(flags, 'remoteRead', remoteRead);
  setNotifiers(flags, notifiers);
  setGracefulFlags(flags, props, '');
  return (
    flags
      // The endpoint says the whole path.
      .set('remoteWrite.disablePathAppend', remoteWrite && true, LIBRARY)
      .set('rule', `${RULES_FOLDER}/*.yaml`, 'rules')
      .set('configCheckInterval', Duration.seconds(30), LIBRARY)
      .set('evaluationInterval', props.evaluationInterval, 'evaluationInterval')
      .set(
        'external.label',
        externalLabels && Object.entries(externalLabels).map(([name, value]) => `${name}=${value}`),
        'externalLabels',
      )
      .set('external.alert.source', props.alertSource, 'alertSource')
      .refuse(['notifier.config'], 'vmalert takes no file besides `notifiers`', 'use `notifiers`')
      .refuse(['remoteWrite.retryMaxTime'], 'the grace period of the pod is reckoned with its default', 'remove it')
      .refuse(
        ['remoteRead.disablePathAppend', 'datasource.appendTypePrefix', 'rule.defaultRuleType'],
        'the endpoints are those of PromQL and MetricsQL, without the path that vmalert appends',
        'remove it',
      )
      .refuse(['dryRun'], 'the process would check its files and exit', 'remove it')
      .refuse(['replay.timeFrom', 'replay.timeTo'], 'the process would evaluate the past and exit', 'run it by hand')
      .refuse(['reloadAuthKey'], 'the rules are read again by themselves', 'remove it')
  );
}

function setEndpoint(
  flags: FlagSet<VmalertFlags>,
  prop: 'datasource' | 'remoteWrite' | 'remoteRead',
  endpoint: Endpoint | undefined,
): void {
  const { username, passwordFile, bearerTokenFile } = credentialFiles(endpoint?.credentials);
  flags
    .set(`${prop}.url`, endpoint?.url, prop)
    .set(`${prop}.basicAuth.username`, username, prop)
    .set(`${prop}.basicAuth.passwordFile`, passwordFile, prop)
    .set(`${prop}.bearerTokenFile`, bearerTokenFile, prop);
}

/** vmalert tells whose a value is by its place, so that no place may be left out. */
function setNotifiers(flags: FlagSet<VmalertFlags>, notifiers: readonly Endpoint[]): void {
  const credentials = notifiers.map((notifier) => credentialFiles(notifier.credentials));
  const each = (value: (one: CredentialFiles) => string | undefined): string[] | undefined => {
    const values = credentials.map((one) => value(one) ?? '');
    return values.some((one) => one !== '') ? values : undefined;
  };
  const urls = notifiers.map(({ url }) => url);
  flags
    .set('notifier.url', urls.length > 0 ? urls : undefined, 'notifiers')
    .set('notifier.blackhole', urls.length > 0 ? undefined : true, 'notifiers')
    .set(
      'notifier.basicAuth.username',
      each(({ username }) => username),
      'notifiers',
    )
    .set(
      'notifier.basicAuth.passwordFile',
      each(({ passwordFile }) => passwordFile),
      'notifiers',
    )
    .set(
      'notifier.bearerTokenFile',
      each(({ bearerTokenFile }) => bearerTokenFile),
      'notifiers',
    );
}
