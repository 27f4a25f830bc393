import { Construct } from 'constructs';
import { checkRequired, object, Problems, type Shape } from '../validation';
import { objectNameCheck } from '../values';
import { expose, EXPOSURE_SHAPE, exposureObject, type ExposureProps } from './exposure';

/** Exposes endpoints by an Ingress. */
export interface EndpointIngressProps extends ExposureProps {
  /** Where the controller ends TLS. @default - nowhere, which is an error without `allowPlainHttp` */
  readonly tls?: IngressTls;
  /** Which controller the Ingress is for. @default - the default class of the cluster */
  readonly ingressClassName?: string;
}

/** With what an Ingress controller ends TLS. */
export interface IngressTls {
  /**
   * A Secret of type `kubernetes.io/tls` in the namespace of the chart, e.g. one that cert-manager fills.
   *
   * @default - the certificate that the controller has for all
   */
  readonly secretName?: string;
}

const SHAPE: Shape<EndpointIngressProps> = {
  ...EXPOSURE_SHAPE,
  tls: object<IngressTls>({ secretName: objectNameCheck() }),
  ingressClassName: objectNameCheck(),
};

/**
 * An Ingress for endpoints of the stack. Requests reach the pods by plain HTTP under the path that clients ask for.
 * Whether the controller redirects what comes by plain HTTP, and how long it waits for an answer, is told by its own
 * annotations.
 *
 * An Ingress passes requests on within its namespace, so that its chart has that of the endpoints.
 */
export class EndpointIngress extends Construct {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: EndpointIngressProps) {
    super(scope, id);
    const problems = new Problems();
    const { props, paths } = expose(this, given, SHAPE, problems);
    const { host, tls } = props;
    if (!props.allowPlainHttp) {
      checkRequired(given, 'tls', problems, {
        rule: 'requests and credentials would pass in the clear',
        fix: "set `tls: { secretName: 'name-of-the-secret' }`, `tls: {}` for the controller's own certificate, or accept it with `allowPlainHttp: true`",
      });
    }
    const object = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      spec: {
        ingressClassName: props.ingressClassName,
        tls: tls && [{ hosts: [host], secretName: tls.secretName }],
        rules: [
          {
            host,
            http: {
              paths: paths.map(({ path, pathType, service }) => ({
                path,
                pathType,
                backend: { service: { name: service.name, port: { name: service.portName } } },
              })),
            },
          },
        ],
      },
    };
    exposureObject(this, props, object, problems);
  }
}
