/** `undeclare`: removes a declaration and nothing else. */
import { undeclareCertificate } from '../../lambdas/deployment/declare.ts';
import { command } from '../command.ts';
import { each } from '../each.ts';
import { findStack, readRenewSettings } from '../permissions.ts';

export const undeclare = command({
  name: 'undeclare',
  summary: 'remove declarations',
  description: [
    'The secret, its tags and its certificate stay. The certificate is still renewed, with its present names (warning DeclarationMissing). `cert-renewer unenrol` ends that.',
    'Remove the certificate from the configuration too, if it is declared there.',
  ],
  argument: { name: '<names...>', description: 'names of secrets' },
  options: {},
  examples: [{ command: 'cert-renewer undeclare web/tls', says: 'the pair stays in the secret' }],
  needs: [findStack, readRenewSettings, { actions: ['ssm:DeleteParameter'], on: 'declarations' }],
  winds: true,
  run: async (context, names) => {
    const declarations = await context.session.declarations();
    return each(context, names, async (name) => {
      const changed = await undeclareCertificate({ declarations }, name);
      const says = changed ? 'no longer declared; its certificate is still renewed' : 'was not declared';
      return { says, record: { changed } };
    });
  },
});
