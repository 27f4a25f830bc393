import { dashboard, Panels } from '../../src';
import { program } from './program';
import { processRow } from './process';
import { cacheRow, glanceRow, ingestionRow, queryRow, storageRow } from './storage';

const programs = program('vminsert', 'vmselect', 'vmstorage');
const { of, rate, variables } = programs;

export const cluster = dashboard({
  uid: 'vm-cluster',
  title: 'VictoriaMetrics cluster',
  description: 'vminsert, vmselect and vmstorage: what comes in, how it is copied and kept, and how it is queried.',
  layer: 'component',
  tags: ['victoriametrics'],
  variables,
  rows: [
    glanceRow(
      programs,
      Panels.stat({
        title: 'Lost connections',
        description:
          'Connections from vminsert and vmselect to vmstorage nodes that do not work. Above zero samples go to other ' +
          'nodes and answers may be partial: look at the pods of vmstorage and at the network between.',
        queries: [
          {
            expr:
              `sum(1 - ${of('vm_rpc_vmstorage_is_reachable')})` +
              ` + sum(1 - ${of('vm_tcpdialer_addr_available', 'name="vmselect"')})`,
          },
        ],
        unit: 'short',
        thresholds: { critical: 1 },
      }),
    ),
    ingestionRow(programs, [
      { expr: `sum(${rate('vm_rpc_rows_dropped_on_overload_total')})`, legend: 'dropped on overload' },
    ]),
    {
      title: 'Replication',
      panels: [
        Panels.timeSeries({
          title: 'Samples with too few copies',
          description:
            'Samples a second that are stored fewer times than replicationFactor says. They are lost with one more node: ' +
            'bring back the vmstorage node that is away before you touch another.',
          queries: [
            {
              expr: `sum by (instance) (${rate('vm_rpc_rows_incompletely_replicated_total')})`,
              legend: '{{instance}}',
            },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { critical: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Samples sent to another node',
          description:
            'Samples a second that their own vmstorage node did not take: it is down, read-only or too slow. The nodes that ' +
            'take them in get new series, which costs them memory: look at the node that is named.',
          queries: [
            {
              expr: `sum by (addr) (${rate('vm_rpc_rows_rerouted_from_here_total')})`,
              legend: 'not taken by {{addr}}',
            },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Time spent sending to a node',
          description:
            'The share of the time in which a vminsert is busy sending to a vmstorage node. Near 100 % the connection is the ' +
            'limit: add vminsert replicas, or look at the network, CPU and disk of that node.',
          queries: [
            {
              expr: `sum by (instance, addr) (${rate('vm_rpc_send_duration_seconds_total', 'rpc_call="metric_rows"')})`,
              legend: '{{instance}} to {{addr}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.7, critical: 0.9 },
        }),
      ],
    },
    storageRow(programs),
    queryRow(programs, [
      {
        expr: `${of('vm_concurrent_select_current')} / ${of('vm_concurrent_select_capacity')}`,
        legend: '{{instance}}',
      },
      {
        expr: `${of('vm_vmselect_concurrent_requests_current')} / ` + of('vm_vmselect_concurrent_requests_capacity'),
        legend: '{{instance}}',
      },
    ]),
    cacheRow(programs),
    processRow(programs),
  ],
});
