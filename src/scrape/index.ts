export { componentJob, componentJobs } from './component-job';
export { renderCredentials, renderTls, SCRAPE_JOB_SHAPE, type DiscoveryProps, type ScrapeJobProps } from './job-props';
export type { AnnotatedProps, KubeletProps } from './kubernetes-jobs';
export { labelNameCheck, labelsCheck, SCRAPE_LABELS } from './labels';
export type { RawScrapeConfig, RawValue, ScrapeNeeds } from './raw-job';
export {
  literalReplacement,
  onlyKnownToVmagent,
  relabelConfigsCheck,
  renderRelabelConfigs,
  type RelabelAction,
  type RelabelConfig,
  type RenderedRule,
} from './relabeling';
export { checkDeduplication } from './deduplication';
export { jobPath } from './job-problems';
export { Scrape } from './scrape';
export {
  checkScrapeJobs,
  DEFAULT_SCRAPE_INTERVAL,
  globalScrapeCheck,
  scrapeConfig,
  scrapeConfigFile,
  type GlobalScrapeProps,
  type ScrapeConfigFileProps,
} from './scrape-config-file';
export type * from './scrape-job';
export { ScrapeJobs, scrapeSourcesCheck } from './scrape-jobs';
export { seriesSelectorsCheck } from './series-selector';
export type { StaticProps } from './static-job';
