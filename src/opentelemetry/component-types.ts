import { didYouMean, type Problems } from '../validation';
import { COMPONENT_ID, KINDS, type CollectorConfig } from './config';

type Kind = (typeof KINDS)[number];

interface KnownTypes {
  readonly types: readonly string[];
  /** Names that types had before, which are still understood. */
  readonly formerly: readonly string[];
}

/** The version of the collector that the types were read from: that of the default image. */
export const TYPES_OF_VERSION = '0.157.0';

/**
 * What the default image is built from.
 *
 * @see https://github.com/open-telemetry/opentelemetry-collector-releases/blob/main/distributions/otelcol-contrib/manifest.yaml
 *   for the modules; `metadata.yaml` of each says its type, and what that was before
 */
const KNOWN: Readonly<Record<Kind, KnownTypes>> = {
  receivers: {
    types: words(`
      active_directory_ds aerospike apache apache_spark aws_cloudwatch aws_lambda awscontainerinsightreceiver
      awsecscontainermetrics awsfirehose awss3 awsxray azure_blob azure_event_hub azure_monitor carbon chrony
      cisco_os cloud_foundry cloudflare collectd couchdb datadog docker_stats elasticsearch envoy_als expvar
      faro file_log file_stats flink_metrics fluent_forward github gitlab google_cloud_spanner
      googlecloudmonitoring googlecloudpubsub haproxy host_metrics http_check iis influxdb jaeger journald
      k8s_cluster k8s_events k8s_objects kafka kafka_metrics kubelet_stats libhoney loki macos_unified_logging
      memcached mongodb mongodb_atlas mysql named_pipe netflow nginx nop nsxt ntp obi oracledb otelarrow otlp
      otlp_json_file podman_stats postgresql pprof prometheus prometheus_remote_write prometheus_simple pulsar
      purefa purefb rabbitmq receiver_creator redis riak saphana skywalking snmp snowflake solace
      splunk_enterprise splunk_hec sqlquery sqlserver ssh_check statsd stef syslog systemd tcp_check tcp_log
      tls_check udp_log vcenter wavefront webhook_event windows_event_log windows_service windowsperfcounters
      yang_grpc zipkin zookeeper
    `),
    formerly: words(`
      apachespark awscloudwatch awslambda azureblob azureeventhub azuremonitor ciscoos cloudfoundry envoyals
      filelog filestats flinkmetrics fluentforward googlecloudspanner hostmetrics httpcheck k8sobjects
      kafkametrics kubeletstats macosunifiedlogging mongodbatlas namedpipe otlpjsonfile prometheusremotewrite
      splunkenterprise sshcheck tcpcheck tcplog tlscheck udplog webhookevent windowseventlog windowsservice
      yanggrpc
    `),
  },
  processors: {
    types: words(`
      attributes batch cardinality_guardian coralogix cumulative_to_delta deltatocumulative deltatorate drain
      filter gen_ai_normalizer geoip groupbyattrs groupbytrace interval isolationforest k8s_attributes
      log_dedup memory_limiter metric_start_time metrics_transform metricsgeneration probabilistic_sampler
      redaction remotetap resource resource_detection schema span sumologic tail_sampling transform unroll
    `),
    formerly: words(`
      cumulativetodelta genainormalizer k8sattributes logdedup metricstarttime metricstransform
      resourcedetection
    `),
  },
  exporters: {
    types: words(`
      alibabacloud_logservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azure_blob azuredataexplorer
      azuremonitor bmc_helix cassandra clickhouse coralogix datadog dataset debug doris elasticsearch faro
      file google_cloud_storage googlecloud googlecloudpubsub googlemanagedprometheus honeycomb_marker
      influxdb kafka load_balancing logicmonitor logzio mezmo nop opensearch otelarrow otlp_grpc otlp_http
      prometheus prometheus_remote_write pulsar rabbitmq sentry signalfx splunk_hec stef sumologic syslog
      tencentcloud_logservice tinybird zipkin
    `),
    formerly: words(`
      azureblob bmchelix googlecloudstorage honeycombmarker loadbalancing otlp otlphttp prometheusremotewrite
    `),
  },
  connectors: {
    types: words(`
      count datadog exceptions failover forward grafanacloud otlp_json round_robin routing service_graph
      signal_to_metrics span_metrics sum
    `),
    formerly: words(`
      otlpjson roundrobin servicegraph signaltometrics spanmetrics
    `),
  },
  extensions: {
    types: words(`
      ack asapclient aws_logs_encoding awscloudwatchmetricstreams_encoding awsproxy azure_auth azure_encoding
      basicauth bearertokenauth cgroup_runtime datadog db_storage docker_observer ecs_observer file_storage
      google_cloud_logentry_encoding googleclientauth headers_setter health_check host_observer http_forwarder
      jaeger_encoding jaegerremotesampling json_log_encoding k8s_leader_elector k8s_observer
      kafkatopics_observer oauth2client oidc opamp otlp_encoding pebble_tail_storage pprof redis_storage
      sigv4auth skywalking_encoding sumologic text_encoding zipkin_encoding zpages
    `),
    formerly: words(`
      awslogs_encoding azureauth cgroupruntime googlecloudlogentry_encoding
    `),
  },
};

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Whether the default image has the components: with another type the collector does not start. */
export function checkTypes(config: CollectorConfig, problems: Problems): void {
  for (const kind of KINDS) {
    for (const id of Object.keys(config[kind] ?? {})) {
      const type = id.replace(/\/.*$/s, '');
      if (!COMPONENT_ID.test(id) || isKnown(kind, type)) continue;
      const other = KINDS.find((candidate) => isKnown(candidate, type));
      problems.add({
        prop: `config.${kind}['${id}']`,
        value: id,
        rule: `the collector ${TYPES_OF_VERSION} has no ${kind.slice(0, -1)} of the type ${type}`,
        fix: other
          ? `put it into \`config.${other}\``
          : didYouMean(type, KNOWN[kind].types, 'take another one, or set `image` to a collector that has it'),
      });
    }
  }
}

function isKnown(kind: Kind, type: string): boolean {
  const { types, formerly } = KNOWN[kind];
  return types.includes(type) || formerly.includes(type);
}
