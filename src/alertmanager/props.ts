import type { Duration } from 'cdk8s';
import {
  anyText,
  atLeastOne,
  duration,
  forbidden,
  instance,
  listOf,
  mapOf,
  externalUrl,
  type Shape,
} from '../validation';
import {
  INSTANCE_SHAPE,
  volumeCheck,
  WORKLOAD_SHAPE,
  webConfigAuthCheck,
  type Files,
  type InstanceProps,
  type VolumeProps,
  type WorkloadProps,
  type WebConfigAuth,
} from '../workload';
import type { AlertmanagerConfig } from './alertmanager-config';

/** An Alertmanager, or several that send each notification once. */
export interface AlertmanagerProps extends WorkloadProps, InstanceProps {
  /** What is done with alerts. */
  readonly config: AlertmanagerConfig;
  /**
   * How many pods. Several of them tell each other what they sent, so that a notification comes once; while they cannot
   * reach each other it may come more often. Three survive the loss of a node.
   *
   * @default 1
   */
  readonly replicas?: number;
  /** Where silences, and what was sent, are kept. @default - a claim of 1Gi of the default class for each pod */
  readonly volume?: VolumeProps;
  /** How long it is known what was sent, and silences that ended. @default Duration.days(5) */
  readonly retention?: Duration;
  /** Files of templates, which the config may use: name, ending in `.tmpl`, and content. @default - none */
  readonly templates?: Files;
  /** Where users reach the web page, for links in notifications. @default - not known */
  readonly externalUrl?: string;
  /** Basic auth for all requests. Endpoints carry it to whoever connects. @default - none */
  readonly httpAuth?: WebConfigAuth;
  /** Args that no prop covers, each as `--name` or `--name=value`. @default - none */
  readonly extraArgs?: readonly string[];
}

export const SHAPE: Shape<AlertmanagerProps & { readonly autoscaling?: never }> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  config: instance(
    'AlertmanagerConfig',
    'render',
    'AlertmanagerConfig.bySeverity({ critical: ..., warning: ... }) or AlertmanagerConfig.fromFile(path)',
  ),
  replicas: atLeastOne,
  volume: volumeCheck,
  retention: duration,
  templates: mapOf(anyText),
  externalUrl: externalUrl('https://alertmanager.example.com'),
  httpAuth: webConfigAuthCheck,
  extraArgs: listOf(anyText),
  autoscaling: forbidden(
    'each pod is told of every alert, so that more of them do not have less to do',
    'set `replicas`',
  ),
};
