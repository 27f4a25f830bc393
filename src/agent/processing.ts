import { Yaml } from 'cdk8s';
import { renderRelabelConfigs, type RelabelConfig } from '../scrape';
import type { Files } from '../workload';
import { renderStreamAggregation, type StreamAggregationProps } from './stream-aggregation';

/** What is done to samples before they are sent. */
export interface ProcessingProps {
  readonly relabelConfigs?: readonly RelabelConfig[];
  readonly streamAggregation?: StreamAggregationProps;
}

/** Where vmagent finds its files for it: it reads them when it starts, so that a change rolls the pods. */
export const PROCESSING_FOLDER = '/etc/vmagent/remote-write';

/** The files of one place where samples are processed. */
export interface ProcessingFiles {
  /** Where the relabeling is. @default - there is none */
  readonly relabelFile?: string;
  /** Where the aggregation rules are. @default - there are none */
  readonly aggregationFile?: string;
  readonly files: Files;
}

/**
 * @param suffix tells the files of several places apart
 * @param podName what stands in a file for the name of the pod
 */
export function processingFiles(
  { relabelConfigs = [], streamAggregation = {} }: ProcessingProps,
  suffix: string,
  podName: string,
): ProcessingFiles {
  const relabel = `relabel${suffix}.yaml`;
  const aggregation = `aggregation${suffix}.yaml`;
  const relabels = relabelConfigs.length > 0;
  const aggregates = (streamAggregation.rules ?? []).length > 0;
  return {
    relabelFile: relabels ? `${PROCESSING_FOLDER}/${relabel}` : undefined,
    aggregationFile: aggregates ? `${PROCESSING_FOLDER}/${aggregation}` : undefined,
    files: {
      ...(relabels ? { [relabel]: yamlFile(renderRelabelConfigs(relabelConfigs)) } : {}),
      ...(aggregates ? { [aggregation]: yamlFile(renderStreamAggregation(streamAggregation, podName)) } : {}),
    },
  };
}

/** What is not set must not become a null, which VictoriaMetrics would take for a value. */
function yamlFile(content: readonly object[]): string {
  return Yaml.stringify(JSON.parse(JSON.stringify(content)));
}
