import { expect, it } from 'vitest';
import type { DeclaredWorld } from './world.ts';

export function itIsUndeclared(world: DeclaredWorld): void {
  const name = 'declared/left';

  it('loses its parameter; its secret, tags and certificate stay', async () => {
    expect(await world.parameter(name)).toBeUndefined();
    const { tags, versions } = await world.found(name);
    expect(tags).toMatchObject({ 'cert-renewer:profile': 'own', 'cert-renewer:declared': expect.any(String) });
    expect(versions).toHaveLength(2);
    expect(await world.refused(name)).toEqual([]);
  });

  it('is renewed with its current names, with a warning', async () => {
    const { payload, error } = await world.renew({ secretId: name, force: true });
    expect({ payload, error }).toMatchObject({
      error: undefined,
      payload: { outcome: 'rekeyed', sans: ['dns:web.svc.example'] },
    });
    expect(payload['warnings']).toEqual([expect.objectContaining({ code: 'DeclarationMissing' })]);
    expect(await world.refused(name)).toEqual([]);
  });
}
