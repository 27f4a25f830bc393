import { literalReplacement, renderRelabelConfigs, type RelabelConfig } from '../scrape';
import { yamlText, type Files } from '../workload';
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
      ...(relabels ? { [relabel]: yamlText(renderRelabelConfigs(relabelConfigs)) } : {}),
      ...(aggregates ? { [aggregation]: yamlText(renderStreamAggregation(streamAggregation, podName)) } : {}),
    },
  };
}

/**
 * Gives external labels to samples that do not have them: vmagent itself gives them to those that it scrapes, and to
 * none that are pushed. What was collected elsewhere, and says so by the same label, is left as it is.
 */
export function externalLabelRules(labels: Readonly<Record<string, string>> = {}): RelabelConfig[] {
  return Object.entries(labels).map(([name, value]) => ({
    sourceLabels: [name],
    regex: '',
    targetLabel: name,
    replacement: literalReplacement(value),
  }));
}
