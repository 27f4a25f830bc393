import { App, Chart, Size } from 'cdk8s';
import { Alertmanager, AlertmanagerConfig, Endpoint, Prometheus, Scrape, SecretRef, type SlackProps } from '../src';

const templates = {
  'message.tmpl': '{{ define "message" }}{{ range .Alerts }}{{ .Annotations.summary }}\n{{ end }}{{ end }}\n',
};

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const slack = (channel: string): SlackProps => ({
  apiUrl: SecretRef.of('slack', 'webhook-url'),
  channel,
  text: '{{ template "message" . }}',
  sendResolved: true,
});

const alertmanager = new Alertmanager(chart, 'alertmanager', {
  replicas: 3,
  volume: { size: Size.gibibytes(2) },
  externalUrl: 'https://alertmanager.example.com',
  templates,
  config: AlertmanagerConfig.bySeverity({
    critical: {
      slackConfigs: [slack('#incidents')],
      pagerdutyConfigs: [{ routingKey: SecretRef.of('pagerduty', 'routing-key') }],
    },
    warning: { slackConfigs: [slack('#alerts')] },
    info: { emailConfigs: [{ to: 'team@example.com' }] },
    watchdog: { webhookConfigs: [{ url: Endpoint.external('https://heartbeat.example.com/monitoring') }] },
    global: {
      smtpSmarthost: 'smtp.example.com:587',
      smtpFrom: 'alertmanager@example.com',
      smtpAuthUsername: 'alertmanager',
      smtpAuthPassword: SecretRef.of('smtp', 'password'),
    },
  }),
});

new Prometheus(chart, 'apps', {
  volume: { size: Size.gibibytes(20) },
  scrape: [Scrape.annotatedPods()],
  alertmanagers: [alertmanager.notify()],
});

app.synth();
