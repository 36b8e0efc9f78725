import type { Declaration } from '../../lambdas/domain/declaration.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { DeclarationSource } from '../../lambdas/domain/ports.ts';
import { type DeclarationDocument, parseDeclaration } from '../../lambdas/policy/declaration.ts';
import { Faults } from './faults.ts';

/** The parameters of a stack's declarations, by secret name. Faults can be set on `declaration`. */
export class FakeDeclarations implements DeclarationSource {
  readonly faults: Faults;
  /** By secret name. */
  readonly parameters = new Map<string, string>();

  constructor(faults = new Faults()) {
    this.faults = faults;
  }

  set(document: DeclarationDocument): void {
    this.write(document.secretName, JSON.stringify(document));
  }

  /** Sets any text, as another writer may do. */
  write(secretName: string, text: string): void {
    this.parameters.set(secretName, text);
  }

  remove(secretName: string): void {
    this.parameters.delete(secretName);
  }

  find(secretName: string): Promise<Declaration | undefined> {
    const read = () => {
      const text = this.parameters.get(secretName);
      if (text === undefined) return undefined;
      const declaration = parseDeclaration(secretName, text);
      if (declaration.secretName === secretName) return declaration;
      throw new RenewalError(
        'Internal',
        `The parameter declares another secret than ${secretName}: deploy or declare it again.`,
      );
    };
    return this.faults.around('declaration', [secretName], read, 'find');
  }
}
