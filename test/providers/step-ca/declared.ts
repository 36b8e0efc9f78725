/** Asks a CA for a declared certificate. */
import type { CaProvider, IssuedChain } from '../../../lambdas/domain/ports.ts';
import type { Signer } from '../../../lambdas/domain/signer.ts';
import type { DeclaredContent, Wanted } from '../../../lambdas/domain/wanted.ts';

export const declared = (more: Partial<Omit<DeclaredContent, 'kind'>> = {}): DeclaredContent => ({
  kind: 'declared',
  names: ['dns:web.example'],
  subject: undefined,
  usages: ['serverAuth', 'clientAuth'],
  duration: undefined,
  ...more,
});

export const wantedAs = (content: DeclaredContent, signer: Signer): Wanted => ({
  content,
  key: { kind: 'given', signer },
  end: { laterThan: 0, orEqual: false },
});

export async function issueWith(provider: CaProvider, content: DeclaredContent, key: Signer): Promise<IssuedChain> {
  const answer = await provider.ask({ wanted: wantedAs(content, key), current: undefined, key });
  if (answer.kind === 'issued') return answer;
  throw new Error(`The CA has not answered yet: ${answer.says}.`);
}
