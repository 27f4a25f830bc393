import type { MetricsStackProps } from '../metrics-stack';
import { kind } from './kind';
import { production } from './production';
import { singleNode } from './single-node';

/** Every environment, by the name of its folder in dist/. */
export const ENVIRONMENTS: Readonly<Record<string, MetricsStackProps>> = {
  kind,
  production,
  'single-node': singleNode,
};
