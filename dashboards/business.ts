import { dashboard, Panels, Variables } from '../src';
import { chosenBy, PERCENTILES } from './series';

const { of, rate } = chosenBy('cluster', 'namespace', 'job');

const orders = (...matchers: readonly string[]): string => rate('business_orders_total', ...matchers);
const REJECTED = 'status!="completed"';

const perHour = (expr: string): string => `${expr} * 3600`;
const quantile = (share: number, metric: string): string =>
  `histogram_quantile(${share}, sum by (le) (${rate(`${metric}_bucket`)}))`;
const reads = `(${rate('cache_hits_total')} + ${rate('cache_misses_total')})`;

/** What the shop sells, and what keeps it from selling. */
export const business = dashboard({
  uid: 'business',
  title: 'Business',
  description: 'Orders, what they bring and how long they take, carts, stock, users, and the caches in between.',
  layer: 'service',
  tags: ['business'],
  refresh: '1m',
  from: 'now-6h',
  variables: [
    Variables.tenant(),
    Variables.cluster({ metric: 'business_orders_total' }),
    Variables.namespace({ metric: 'business_orders_total' }),
    Variables.job({ metric: 'business_orders_total' }),
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        Panels.stat({
          title: 'Orders an hour',
          description:
            'Orders that were completed, at the present rate. Far below the usual while users are active: order something ' +
            'yourself, then look at Rejected and at the latency of orders.',
          queries: [{ expr: perHour(`sum(${orders('status="completed"')})`) }],
          unit: 'short',
          sparkline: true,
        }),
        Panels.stat({
          title: 'Amount an hour',
          description:
            'What completed orders bring, at the present rate, in all currencies at their face value. Fewer orders, or ' +
            'smaller ones? Orders an hour and Items in a cart say which.',
          queries: [{ expr: perHour(`sum(${rate('business_order_amount_total')})`) }],
          unit: 'short',
          sparkline: true,
        }),
        Panels.stat({
          title: 'Rejected',
          description:
            'The share of orders that are not completed. Above 5 % see by means of payment which fails: one alone is its ' +
            'provider, all of them are the shop.',
          queries: [{ expr: `(sum(${orders(REJECTED)}) default 0) / sum(${orders()})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.05, critical: 0.2 },
        }),
        Panels.stat({
          title: 'Active users',
          description:
            'Users that are logged in. Zero by day: log in yourself, then look at what is in front of the shop.',
          queries: [{ expr: `sum(${of('active_users')})` }],
          unit: 'short',
          sparkline: true,
        }),
        Panels.stat({
          title: 'Products out of stock',
          description: 'Products of which nothing is left, so that orders of them are rejected. Order more of them.',
          queries: [{ expr: `count(${of('business_inventory_level')} <= 0) default 0` }],
          unit: 'short',
          decimals: 0,
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Cache hits',
          description:
            'The share of reads that the caches answer. Low for long: the cache is too small (see Evictions), or has been ' +
            'emptied, and what is behind has to bear the load.',
          queries: [{ expr: `sum(${rate('cache_hits_total')}) / sum(${reads})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.8, critical: 0.5, below: true },
        }),
      ],
    },
    {
      title: 'Orders',
      panels: [
        Panels.timeSeries({
          title: 'Orders by status',
          description:
            'Orders an hour, by how they ended. When rejected ones take the place of completed ones, the shop fails, not ' +
            'its customers.',
          queries: [{ expr: perHour(`sum by (status) (${orders()})`), legend: '{{status}}' }],
          unit: 'short',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Rejected by payment',
          description:
            'The share of orders that are not completed, by means of payment. One line that rises alone is the provider of ' +
            'that payment: switch it off in the shop and tell them.',
          queries: [
            {
              expr: `(sum by (payment) (${orders(REJECTED)}) or 0 * sum by (payment) (${orders()})) / (sum by (payment) (${orders()}) > 0)`,
              legend: '{{payment}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.05, critical: 0.2 },
        }),
        Panels.timeSeries({
          title: 'Duration of orders',
          description:
            'How long the processing of an order takes, for half, 95 % and 99 % of them at the most. Above 1 s customers ' +
            'leave: look at the services that orders go through.',
          queries: PERCENTILES.map(({ legend, share }) => ({
            expr: quantile(share, 'business_order_duration_seconds'),
            legend,
          })),
          unit: 's',
          min: 0,
          thresholds: { warning: 1 },
          links: [{ title: 'Services', dashboard: 'services' }],
        }),
        Panels.timeSeries({
          title: 'Amount by currency',
          description:
            'What completed orders bring in an hour. A currency that falls to zero alone is a market that cannot pay: check ' +
            'its means of payment.',
          queries: [
            { expr: perHour(`sum by (currency) (${rate('business_order_amount_total')})`), legend: '{{currency}}' },
          ],
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Amount of an order',
          description:
            'What a completed order costs on average, all currencies at their face value. A sudden change is an error in ' +
            'prices, or a sale: ask whoever sets them.',
          queries: [
            {
              expr: `sum(${rate('business_order_amount_total')}) / sum(${orders('status="completed"')})`,
              legend: 'average',
            },
          ],
          unit: 'short',
          min: 0,
        }),
        Panels.pie({
          title: 'Orders by payment',
          description:
            'Which means of payment completed orders of the chosen time used. One that is missing does not work, or is ' +
            'not offered.',
          queries: [
            {
              expr: `sum by (payment) (increase(${of('business_orders_total', 'status="completed"')}[$__range]))`,
              legend: '{{payment}}',
            },
          ],
          unit: 'short',
          decimals: 0,
        }),
      ],
    },
    {
      title: 'Users, carts and stock',
      panels: [
        Panels.timeSeries({
          title: 'Active users',
          description:
            'Users that are logged in. A cliff is a fault of login or of sessions; compare it with the requests of the ' +
            'services.',
          queries: [{ expr: `sum by (service) (${of('active_users')})`, legend: 'users {{service}}' }],
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Items in a cart',
          description:
            'Items in the carts that were ordered: for half and 95 % of them at the most. A fall to one item says that ' +
            'adding to the cart, or what the shop recommends, does not work.',
          queries: [0.5, 0.95].map((share) => ({
            expr: quantile(share, 'business_cart_size'),
            legend: `p${share * 100}`,
          })),
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Stock',
          description:
            'Items in stock by product: the ten with the fewest. Near zero order more; a line that does not move while ' +
            'orders come in is an inventory that is not updated.',
          queries: [
            { expr: `bottomk_min(10, min by (product) (${of('business_inventory_level')}))`, legend: '{{product}}' },
          ],
          unit: 'short',
          min: 0,
        }),
      ],
    },
    {
      title: 'Caches',
      panels: [
        Panels.timeSeries({
          title: 'Hits',
          description:
            'The share of reads that each cache answers. After a restart it climbs; when it stays low, look at Evictions ' +
            'and at what changed in the keys.',
          queries: [
            {
              expr: `sum by (cache) (${rate('cache_hits_total')}) / (sum by (cache) (${reads}) > 0)`,
              legend: '{{cache}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.8, critical: 0.5, below: true },
        }),
        Panels.timeSeries({
          title: 'Evictions',
          description:
            'Entries that make room for others, a second. Many of them while Hits fall: make the cache larger, or keep ' +
            'less in it.',
          queries: [{ expr: `sum by (cache) (${rate('cache_evictions_total')})`, legend: '{{cache}}' }],
          unit: 'ops',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Duration of operations, p99',
          description:
            'One of a hundred operations of a cache takes this long or longer. Beyond a few milliseconds a cache does not ' +
            'pay: look at its network and CPU.',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (cache, operation, le) (${rate('cache_operation_duration_seconds_bucket')}))`,
              legend: '{{cache}} {{operation}}',
            },
          ],
          unit: 's',
          min: 0,
          thresholds: { warning: 0.01 },
        }),
      ],
    },
  ],
});
