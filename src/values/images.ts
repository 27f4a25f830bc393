import { Image } from './image';

/** The version of every VictoriaMetrics component. */
export const VICTORIA_METRICS_VERSION = 'v1.150.0';

/** The default image of every component: the one place where versions are written. */
export const IMAGES = {
  vmstorage: victoriaMetrics('vmstorage', '-cluster'),
  vminsert: victoriaMetrics('vminsert', '-cluster'),
  vmselect: victoriaMetrics('vmselect', '-cluster'),
  victoriaMetrics: victoriaMetrics('victoria-metrics'),
} as const;

function victoriaMetrics(repository: string, variant = ''): Image {
  return Image.parse(`docker.io/victoriametrics/${repository}:${VICTORIA_METRICS_VERSION}${variant}`);
}
