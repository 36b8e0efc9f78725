import { FakeNetwork } from '../../testkit/fakes/probe-network.ts';
import { type NetworkWorld, probeNetworkSuite } from './probe-network.ts';

probeNetworkSuite('the fake', async (): Promise<NetworkWorld> => {
  const network = new FakeNetwork().name('web.example', '10.0.0.1');
  let last = 1;
  const place = () => ({ address: '10.0.0.1', port: ++last });
  return {
    network,
    name: 'web.example',
    async serve(sites) {
      const where = place();
      network.server(where.address, where.port, ({ serverName = '', keyType }) => {
        const found = sites.get(serverName)?.find((each) => keyType === undefined || each.keyType === keyType);
        if (found === undefined) return { ok: false, problem: 'alert', code: 'handshake_failure' };
        return { ok: true, certificates: found.chain };
      });
      return where;
    },
    async silent() {
      const where = place();
      network.server(where.address, where.port, () => ({ ok: false, problem: 'timeout', code: 'silent' }));
      return where;
    },
    nowhere: async () => place(),
    close: async () => {},
  };
});
