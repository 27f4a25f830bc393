import { SYSTEM_CLOCK } from './clock';
import { ConfigError, readConfig } from './config';
import { Demo } from './demo';
import { HttpServer } from './http-server';
import { Log } from './log';
import { PROCESS_STATISTICS } from './process-metrics';

/** Services go on to send requests for a while to a pod that was told to end. */
const DRAIN_MILLISECONDS = 1000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = new Log(SYSTEM_CLOCK, config.logLevel);
  const demo = new Demo(config, SYSTEM_CLOCK, log, PROCESS_STATISTICS);
  const server = new HttpServer(demo, config.scrape);
  await server.listen(config.port, config.host);
  demo.start();
  const { scrape, seed, scenario, otlp, remoteWrite } = config;
  log.info('started', { port: config.port, scrape, otlp: otlp?.url, remoteWrite: remoteWrite?.url, seed, scenario });

  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  log.info('stopping', { signal });
  server.ready = false;
  await Promise.all([demo.stop(), new Promise((resolve) => setTimeout(resolve, DRAIN_MILLISECONDS))]);
  await server.close();
  log.info('stopped', { totals: demo.state.totals });
}

main().catch((error: unknown) => {
  const log = new Log(SYSTEM_CLOCK, 'error');
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ConfigError) for (const problem of error.problems) log.error('wrong environment', { problem });
  else log.error('failed', { error: message });
  process.exitCode = 1;
});
