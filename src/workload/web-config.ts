import { object, text, type Check } from '../validation';
import { secretRefCheck, type SecretRef } from '../values';

/** Basic auth of a program whose web server is configured by a file of Prometheus' exporter toolkit. */
export interface WebConfigAuth {
  /** Clients send it. */
  readonly username: string;
  /** Clients send it. */
  readonly password: SecretRef;
  /**
   * The file that the process reads, again at each request: `basic_auth_users`, with the bcrypt hash of the password
   * after the username. Nothing about TLS: what is wired to the process speaks plain HTTP.
   *
   * @see https://prometheus.io/docs/prometheus/latest/configuration/https/
   */
  readonly webConfig: SecretRef;
}

export const webConfigAuthCheck: Check = object<WebConfigAuth>(
  { username: text(), password: secretRefCheck, webConfig: secretRefCheck },
  'username',
  'password',
  'webConfig',
);
