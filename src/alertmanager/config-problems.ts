import { camelCase, Problems, type Problem } from '../validation';

/** How a config is written: as props in camelCase, or as in Alertmanager's own file. */
export type Notation = 'props' | 'file';

/** What is wrong with a config. The Alertmanager that runs it reports it: a config belongs to no construct. */
export class ConfigProblems extends Problems {
  /** @param rename says a prop as the user wrote it, where a config is made from other props */
  public constructor(
    public readonly notation: Notation,
    private readonly rename: (prop: string) => string = (prop) => prop,
  ) {
    super();
  }

  public override add(problem: Problem): void {
    super.add({ ...problem, prop: this.rename(problem.prop) });
  }

  /** A field of Alertmanager's file as the user writes it: in props a Secret stands where the file names a file. */
  public spell(field: string): string {
    return this.notation === 'file' ? field : camelCase(field.replace(/_file$/, ''));
  }
}

export function isFile(problems: Problems): boolean {
  return problems instanceof ConfigProblems && problems.notation === 'file';
}
