import { InvalidValueError } from '../validation';

// https://github.com/distribution/reference: the grammar of an image reference.
const DOMAIN =
  /^(?:localhost|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+|:\d+)|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** A container image: registry, repository, and a tag or digest. Immutable. */
export class Image {
  /**
   * Reads an image reference. A tag or a digest is required: without either a restart may bring another version.
   *
   * @param reference e.g. `docker.io/victoriametrics/vmstorage:v1.150.0-cluster` or `registry.local/vm@sha256:...`
   * @throws InvalidValueError when the reference is malformed, has neither tag nor digest, or is tagged `latest`.
   */
  public static parse(reference: string): Image {
    const refuse = (rule: string): never => {
      throw new InvalidValueError({
        prop: 'image',
        value: reference,
        rule,
        fix: "write registry/repository:tag, for example Image.parse('docker.io/victoriametrics/vmstorage:v1.150.0-cluster')",
      });
    };
    const [named = '', digest, ...more] = reference.split('@');
    if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) {
      refuse('the digest must be sha256: and 64 hexadecimal digits');
    }
    const slash = named.indexOf('/');
    const hasRegistry = slash > 0 && DOMAIN.test(named.slice(0, slash));
    const registry = hasRegistry ? named.slice(0, slash) : undefined;
    const rest = hasRegistry ? named.slice(slash + 1) : named;
    const colon = rest.lastIndexOf(':');
    const repository = colon < 0 ? rest : rest.slice(0, colon);
    const tag = colon < 0 ? undefined : rest.slice(colon + 1);
    if (!REPOSITORY.test(repository)) refuse(`\`${repository}\` is not a valid repository name`);
    if (tag !== undefined && !TAG.test(tag)) refuse(`\`${tag}\` is not a valid tag`);
    if (tag === undefined && digest === undefined) refuse('a tag or a digest is missing');
    if (tag === 'latest' && digest === undefined) refuse('the tag `latest` changes under a running stack');
    return new Image(registry, repository, tag, digest);
  }

  private constructor(
    public readonly registry: string | undefined,
    public readonly repository: string,
    public readonly tag: string | undefined,
    public readonly digest: string | undefined,
  ) {}

  /**
   * The same repository with another tag, without the digest.
   *
   * @throws InvalidValueError when the tag is malformed.
   */
  public withTag(tag: string): Image {
    return Image.parse(`${this.registry ? `${this.registry}/` : ''}${this.repository}:${tag}`);
  }

  /**
   * The same image from a mirror.
   *
   * @param registry host, optionally with port and path: `registry.local:5000/mirror`
   * @throws InvalidValueError when the result is not a valid reference.
   */
  public inRegistry(registry: string): Image {
    const path = `${registry}/${this.repository}`;
    return Image.parse(`${path}${this.tag ? `:${this.tag}` : ''}${this.digest ? `@${this.digest}` : ''}`);
  }

  public toString(): string {
    const registry = this.registry ? `${this.registry}/` : '';
    return `${registry}${this.repository}${this.tag ? `:${this.tag}` : ''}${this.digest ? `@${this.digest}` : ''}`;
  }
}
