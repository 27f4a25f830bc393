import { InvalidValueError } from '../validation';

/** An amount of CPU; the `Cpu` of cdk8s-plus fits as well. */
export class Cpu {
  /** Thousandths of a core. @throws InvalidValueError when not a whole number above zero. */
  public static millis(amount: number): Cpu {
    return new Cpu(amount, `${amount}m`);
  }

  /** Cores. @throws InvalidValueError when not a whole number of thousandths above zero. */
  public static units(amount: number): Cpu {
    return new Cpu(amount * 1000, `${amount}`);
  }

  /** As Kubernetes writes it. */
  public readonly amount: string;

  private constructor(millicores: number, amount: string) {
    if (!(Number.isSafeInteger(Math.round(millicores * 1e6) / 1e6) && millicores > 0)) {
      throw new InvalidValueError({
        prop: 'cpu',
        value: amount,
        rule: 'Kubernetes counts CPU in whole thousandths of a core, above zero',
        fix: 'write for example Cpu.millis(250) or Cpu.units(2)',
      });
    }
    this.amount = amount;
  }
}
