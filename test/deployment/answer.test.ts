import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { respond } from '../../lambdas/aws/cloudformation.ts';

it.each(['x', 'ü', '€', '😀'])('an answer with many %s is no longer than CloudFormation accepts', async (letter) => {
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const Identity = { StackId: 's'.repeat(200), RequestId: 'r', LogicalResourceId: 'l'.repeat(255) };
    const answer = { Status: 'FAILED', Reason: letter.repeat(5_000), PhysicalResourceId: 'p'.repeat(300) } as const;
    await respond(`http://127.0.0.1:${port}/`, { ...answer, ...Identity });
  } finally {
    server.close();
  }
  expect(bodies).toHaveLength(1);
  expect(bodies[0]?.byteLength).toBeLessThanOrEqual(4_096);
  expect(JSON.parse(String(bodies[0])).Reason).toContain(letter.repeat(200));
});
