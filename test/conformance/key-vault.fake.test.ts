import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { keyVaultSuite } from './signer.ts';

keyVaultSuite('fake', async () => {
  const vault = new FakeKeyVault();
  return {
    vault,
    create: async (spec, options = {}) => vault.add({ spec, ...options }),
    disable: async (arn) => vault.setEnabled(arn, false),
    close: async () => {},
  };
});
