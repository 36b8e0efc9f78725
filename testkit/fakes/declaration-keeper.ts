import type { DeclarationKeeper } from '../../lambdas/domain/declaring.ts';
import { FakeDeclarations } from './declarations.ts';
import { Faults } from './faults.ts';

/** The declarations that a deployment writes. The worker reads the same ones in `source`. */
export class FakeDeclarationKeeper implements DeclarationKeeper {
  readonly faults: Faults;
  readonly source: FakeDeclarations;

  constructor(options: { readonly faults?: Faults; readonly source?: FakeDeclarations } = {}) {
    this.faults = options.faults ?? new Faults();
    this.source = options.source ?? new FakeDeclarations(this.faults);
  }

  /** The documents, by secret name. */
  get documents(): Map<string, string> {
    return this.source.parameters;
  }

  read(secretName: string): Promise<string | undefined> {
    return this.faults.around('readParameter', [secretName], () => this.documents.get(secretName));
  }

  write(secretName: string, document: string): Promise<void> {
    return this.faults.around('writeParameter', [secretName], () => {
      this.documents.set(secretName, document);
    });
  }

  remove(secretName: string): Promise<boolean> {
    return this.faults.around('removeParameter', [secretName], () => this.documents.delete(secretName));
  }
}
