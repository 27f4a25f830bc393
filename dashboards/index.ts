import { Dashboards, type DashboardFolder } from '../src';
import { business } from './business';
import { components } from './components';
import { otlp } from './otlp';
import { overview } from './overview';
import { realtime } from './realtime';
import { services } from './services';

/** All dashboards, a folder for each layer: from the whole to the detail, and one for incidents. */
export function allDashboards(): DashboardFolder[] {
  return [
    Dashboards.of('Overview', { overview }),
    Dashboards.of('Services', { services, business, otlp }),
    Dashboards.of('Components', components),
    Dashboards.of('Realtime', { realtime }),
  ];
}
