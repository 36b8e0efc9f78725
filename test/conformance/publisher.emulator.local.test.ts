import { CreateEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { eventBridgePublisher } from '../../lambdas/aws/eventbridge.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { emulatorOptions, systemClock } from '../../testkit/local-aws/adapter-options.ts';
import { client, type Endpoint, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { collectEvents } from '../../testkit/local-aws/events.ts';
import { describeWith } from '../support/local.ts';
import { type PublisherWorld, publisherSuite } from './publisher.ts';

describeWith(['emulator'], 'EventBridge', ({ emulator }) => {
  publisherSuite('EventBridge on the emulator', () => openWorld(emulator));
});

async function openWorld(emulator: Endpoint): Promise<PublisherWorld> {
  const bus = client(EventBridgeClient, emulator);
  const eventBusName = uniqueName('conformance');
  await bus.send(new CreateEventBusCommand({ Name: eventBusName }));
  const collector = await collectEvents(emulator, eventBusName);
  return {
    publisher: eventBridgePublisher({ ...emulatorOptions(emulator), eventBusName, clock: systemClock })(noLimits),
    delivered: (secretArn, count) =>
      waitFor(`${count} events of ${secretArn}`, async () => {
        const all = await collector.events();
        const ours = all.filter(({ resources }) => resources[0] === secretArn);
        const seen = ours.map((event) => ({
          type: event['detail-type'],
          resources: event.resources,
          detail: event.detail,
        }));
        return seen.length >= count && seen;
      }),
    close: async () => bus.destroy(),
  };
}
