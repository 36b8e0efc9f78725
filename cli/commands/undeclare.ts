/** `undeclare`: the declaration is taken back, and nothing else. */
import { undeclareCertificate } from '../../lambdas/deployment/declare.ts';
import { command } from '../command.ts';
import { each } from '../each.ts';
import { findStack, readRenewSettings } from '../permissions.ts';

export const undeclare = command({
  name: 'undeclare',
  summary: 'take declarations back',
  description: [
    'The secret, its tags and its certificate stay, and it is renewed as it is (warning DeclarationMissing). cert-renewer unenrol takes it out of the stack’s hands.',
    'One that the configuration declares is to be taken out of there too.',
  ],
  argument: { name: '<names...>', description: 'names of secrets' },
  options: {},
  examples: [{ command: 'cert-renewer undeclare web/tls', says: 'the pair stays where it is' }],
  needs: [findStack, readRenewSettings, { actions: ['ssm:DeleteParameter'], on: 'declarations' }],
  winds: true,
  run: async (context, names) => {
    const declarations = await context.session.declarations();
    return each(context, names, async (name) => {
      const changed = await undeclareCertificate({ declarations }, name);
      const says = changed ? 'no longer declared; its certificate is renewed as it is' : 'was not declared';
      return { says, record: { changed } };
    });
  },
});
