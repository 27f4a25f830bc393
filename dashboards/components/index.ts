import type { DashboardModel } from '../../src';
import { alertmanager } from './alertmanager';
import { cluster } from './cluster';
import { kubernetes } from './kubernetes';
import { nodes } from './nodes';
import { singleNode } from './single-node';
import { vmagent } from './vmagent';
import { vmalert } from './vmalert';
import { vmauth } from './vmauth';

/** One dashboard for each program of the stack, for Kubernetes and for its nodes, by the name of its file. */
export const components: Readonly<Record<string, DashboardModel>> = {
  alertmanager,
  cluster,
  kubernetes,
  nodes,
  'single-node': singleNode,
  vmagent,
  vmalert,
  vmauth,
};
