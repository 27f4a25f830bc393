export { EndpointHttpRoute, type EndpointHttpRouteProps, type GatewayListener } from './endpoint-http-route';
export { EndpointIngress, type EndpointIngressProps, type IngressTls } from './endpoint-ingress';
export type { ExposedEndpoint } from './exposed-endpoint';
export type { ExposureProps } from './exposure';
