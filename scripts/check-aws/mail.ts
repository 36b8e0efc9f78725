/** 4: what comes of an event on its way by a rule to a topic. */
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
} from '@aws-sdk/client-eventbridge';
import {
  ListSubscriptionsByTopicCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { group } from './group.ts';
import { asDocumented, notTried, otherwise } from './outcome.ts';
import { policy, type Queue, queue, received, role, type Statement, setQueuePolicy, topic } from './resources.ts';
import type { Room } from './room.ts';

/** What a person who reads a failure may get: quotation marks and a backslash. */
const message = String.raw`the CA said "no \ never"`;
const before = 'cert-renewer: ';

const InputTransformer = {
  InputPathsMap: { message: '$.detail.message' },
  InputTemplate: `"${before}<message>"`,
};

const targets = ['by-role', 'by-policy', 'direct'] as const;

interface Made {
  /** What came at the end of each way; undefined where nothing did. */
  readonly texts: Readonly<Record<(typeof targets)[number], string | undefined>>;
}

/** One event, one rule, three ways: to a topic by a role, to a topic by its policy, and to a queue, which shows that the rule works. */
async function sendEvent(room: Room): Promise<Made> {
  const events = room.client(EventBridgeClient);
  const EventBusName = room.name('bus');
  await room.make(
    'event bus',
    'bus',
    (Name) => events.send(new CreateEventBusCommand({ Name })),
    (Name) => events.send(new DeleteEventBusCommand({ Name })),
  );
  const ruleArn = room.arn('events', `rule/${EventBusName}/${room.name('mail')}`);
  const [byRole, byPolicy, direct] = await Promise.all([
    topicWithQueue(room, 'by-role'),
    topicWithQueue(room, 'by-policy'),
    queue(room, 'direct'),
  ]);
  const publish = { Effect: 'Allow', Action: 'sns:Publish', Resource: byRole.topicArn };
  const RoleArn = await role(room, 'rule', { principal: { Service: 'events.amazonaws.com' }, statements: [publish] });
  await letRulePublish(room, byPolicy.topicArn, ruleArn);
  await setQueuePolicy(room, direct, letSend(direct, 'events.amazonaws.com', ruleArn));
  await room.make(
    'rule',
    'mail',
    (Name) => events.send(new PutRuleCommand({ Name, EventBusName, EventPattern: '{"source":["check-aws"]}' })),
    async (Name) => {
      await events.send(new RemoveTargetsCommand({ Rule: Name, EventBusName, Ids: [...targets] }));
      await events.send(new DeleteRuleCommand({ Name, EventBusName }));
    },
  );
  const Targets: Target[] = [
    { Id: 'by-role', Arn: byRole.topicArn, RoleArn, InputTransformer },
    { Id: 'by-policy', Arn: byPolicy.topicArn, InputTransformer },
    { Id: 'direct', Arn: direct.arn, InputTransformer },
  ];
  await events.send(new PutTargetsCommand({ Rule: room.name('mail'), EventBusName, Targets }));
  // Rule, role and policies take time to spread, so that an early event may be lost: several are sent.
  const entry = { Source: 'check-aws', DetailType: 'check', Detail: JSON.stringify({ message }), EventBusName };
  const text = await room.until(120, async () => {
    await events.send(new PutEventsCommand({ Entries: [entry] }));
    return received(room, direct, 10);
  });
  if (text === undefined) throw new Error('the rule delivered nothing to a queue either within two minutes');
  await room.pause(room.limit(10)); // what comes next finds all spread
  await events.send(new PutEventsCommand({ Entries: [entry] }));
  const texts = await Promise.all([received(room, byRole.queue, 60), received(room, byPolicy.queue, 60)]);
  return { texts: { 'by-role': texts[0], 'by-policy': texts[1], direct: text } };
}

const letSend = ({ arn }: Queue, Service: string, source: string): Statement => ({
  Effect: 'Allow',
  Principal: { Service },
  Action: 'sqs:SendMessage',
  Resource: arn,
  Condition: { ArnEquals: { 'aws:SourceArn': source } },
});

/** A topic, and a queue that gets what is published as it is. */
async function topicWithQueue(room: Room, part: string): Promise<{ topicArn: string; queue: Queue }> {
  const [topicArn, subscriber] = await Promise.all([topic(room, part), queue(room, part)]);
  await setQueuePolicy(room, subscriber, letSend(subscriber, 'sns.amazonaws.com', topicArn));
  const Attributes = { RawMessageDelivery: 'true' };
  const subscribe = { TopicArn: topicArn, Protocol: 'sqs', Endpoint: subscriber.arn, Attributes };
  await room.client(SNSClient).send(new SubscribeCommand(subscribe)); // it goes with the topic
  return { topicArn, queue: subscriber };
}

async function letRulePublish(room: Room, TopicArn: string, ruleArn: string): Promise<void> {
  const AttributeValue = policy({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sns:Publish',
    Resource: TopicArn,
    Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
  });
  const set = new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue });
  await room.client(SNSClient).send(set);
}

export const mail = group({
  makes: [
    { kind: 'event bus', part: 'bus' },
    { kind: 'rule', part: 'mail' },
    { kind: 'role', part: 'rule' },
    { kind: 'topic', part: 'by-role' },
    { kind: 'queue', part: 'by-role' },
    { kind: 'topic', part: 'by-policy' },
    { kind: 'queue', part: 'by-policy' },
    { kind: 'queue', part: 'direct' },
    { kind: 'topic', part: 'mail' },
  ],
  setUp: sendEvent,
  behaviours: [
    {
      line: '4.1',
      says: 'a rule publishes to a topic by the role of its target (AWS advises against a role there)',
      observe: async (_, { texts }) =>
        texts['by-role'] === undefined ? otherwise('nothing came within a minute') : asDocumented(),
    },
    {
      line: '4.2',
      says: "a rule does not publish by a topic's policy with a Condition",
      observe: async (_, { texts }) =>
        texts['by-policy'] === undefined ? asDocumented('nothing came within a minute') : otherwise('it does'),
    },
    {
      line: '4.3',
      says: 'the text of an InputTemplate arrives between quotation marks, and those in a value are not taken away',
      observe: async (_, { texts }) => {
        const text = texts['by-role'] ?? texts.direct ?? '';
        const escaped = JSON.stringify(before + message);
        return text === escaped || text === `"${before}${message}"`
          ? asDocumented(`those in the value are ${text === escaped ? '' : 'not '}escaped: ${text}`)
          : otherwise(text);
      },
    },
    {
      line: '4.4',
      says: 'an e-mail holds the text that was published, character for character',
      observe: async (room) => {
        const { email } = room.options;
        if (email === undefined) return notTried('no --email was given');
        return askReader(room, email);
      },
    },
  ],
});

/** Sends an e-mail to a person and asks what came. */
async function askReader(room: Room, email: string) {
  const sns = room.client(SNSClient);
  const TopicArn = await topic(room, 'mail');
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: email }));
  await room.ask(`An e-mail to ${email} asks to confirm a subscription. Follow its link, then press Return.`);
  const { Subscriptions: [subscription] = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  if (!subscription?.SubscriptionArn?.startsWith('arn:')) return notTried('the subscription was not confirmed');
  await sns.send(new PublishCommand({ TopicArn, Subject: 'cert-renewer check', Message: before + message }));
  const answer = await room.ask(
    `The next e-mail should say\n  ${before}${message}\nType y if it does, else what it says.`,
  );
  return /^y(es)?$/i.test(answer.trim()) ? asDocumented() : otherwise(answer.trim() || 'the reader says it does not');
}
