/** Group 4: what a topic receives from a rule. */
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

/** A failure's message with quotation marks and a backslash. */
const message = String.raw`the CA said "no \ never"`;
const before = 'cert-renewer: ';

const InputTransformer = {
  InputPathsMap: { message: '$.detail.message' },
  InputTemplate: `"${before}<message>"`,
};

const targets = ['by-role', 'by-policy', 'direct'] as const;

interface Made {
  /** The text that arrived by each path, or undefined. */
  readonly texts: Readonly<Record<(typeof targets)[number], string | undefined>>;
  /** The topics that deliver a message to their queue if it is published without a rule. */
  readonly working: readonly string[];
}

interface Way {
  readonly topicArn: string;
  readonly queue: Queue;
}

/** The text that is published to a topic without a rule. */
const control = 'check-aws, without a rule';

/** Sends an event through one rule to a topic by a role, a topic by its policy, and a queue. The queue shows that the rule works. */
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
  const works = await Promise.all([isWorking(room, byRole), isWorking(room, byPolicy)]);
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
  // Rule, role and policies take time to spread. An early event may be lost, so several are sent.
  const entry = { Source: 'check-aws', DetailType: 'check', Detail: JSON.stringify({ message }), EventBusName };
  const text = await room.until(120, async () => {
    await events.send(new PutEventsCommand({ Entries: [entry] }));
    return received(room, direct, 10);
  });
  if (text === undefined) throw new Error('the rule delivered nothing to a queue either within two minutes');
  await room.pause(room.limit(10)); // until the changes have spread
  await events.send(new PutEventsCommand({ Entries: [entry] }));
  const texts = await Promise.all([receivedByRule(room, byRole), receivedByRule(room, byPolicy)]);
  const working = (['by-role', 'by-policy'] as const).filter((_, index) => works[index]);
  return { texts: { 'by-role': texts[0], 'by-policy': texts[1], direct: text }, working };
}

/** Tells whether a message to the topic arrives in its queue within a minute. */
async function isWorking(room: Room, { topicArn, queue: subscriber }: Way): Promise<boolean> {
  const publish = new PublishCommand({ TopicArn: topicArn, Message: control });
  const came = await room.until(60, async () => {
    await room.client(SNSClient).send(publish);
    return received(room, subscriber, 10); // the subscription and the queue's policy take time to spread
  });
  return came !== undefined;
}

/** Returns the first message within a minute that came by the rule. */
const receivedByRule = (room: Room, { queue: subscriber }: Way): Promise<string | undefined> =>
  room.until(60, async () => {
    const text = await received(room, subscriber, 1);
    return text === control ? undefined : text;
  });

const letSend = ({ arn }: Queue, Service: string, source: string): Statement => ({
  Effect: 'Allow',
  Principal: { Service },
  Action: 'sqs:SendMessage',
  Resource: arn,
  Condition: { ArnEquals: { 'aws:SourceArn': source } },
});

/** Makes a topic and a queue that gets its messages unchanged. */
async function topicWithQueue(room: Room, part: string): Promise<Way> {
  const [topicArn, subscriber] = await Promise.all([topic(room, part), queue(room, part)]);
  await setQueuePolicy(room, subscriber, letSend(subscriber, 'sns.amazonaws.com', topicArn));
  const Attributes = { RawMessageDelivery: 'true' };
  const subscribe = { TopicArn: topicArn, Protocol: 'sqs', Endpoint: subscriber.arn, Attributes };
  await room.client(SNSClient).send(new SubscribeCommand(subscribe)); // deleted with the topic
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

const notWorking = 'what is published straight to the topic does not come into its queue either';

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
      observe: async (_, { texts, working }) => {
        if (texts['by-role'] !== undefined) return asDocumented();
        return working.includes('by-role') ? otherwise('nothing came within a minute') : notTried(notWorking);
      },
    },
    {
      line: '4.2',
      says: "a rule does not publish by a topic's policy with a Condition",
      observe: async (_, { texts, working }) => {
        if (texts['by-policy'] !== undefined) return otherwise('it does');
        return working.includes('by-policy') ? asDocumented('nothing came within a minute') : notTried(notWorking);
      },
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

/** Sends an e-mail and asks the reader for its text. */
async function askReader(room: Room, email: string) {
  const sns = room.client(SNSClient);
  const TopicArn = await topic(room, 'mail');
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: email }));
  await room.ask(`An e-mail to ${email} asks to confirm a subscription. Follow its link, then press Return.`);
  await room.pause(0); // throws after Ctrl-C, which gives an empty answer
  const { Subscriptions: [subscription] = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  if (!subscription?.SubscriptionArn?.startsWith('arn:')) return notTried('the subscription was not confirmed');
  await sns.send(new PublishCommand({ TopicArn, Subject: 'cert-renewer check', Message: before + message }));
  const answer = await room.ask(
    `The next e-mail should say\n  ${before}${message}\nType y if it does, else what it says.`,
  );
  await room.pause(0);
  const said = answer.trim();
  if (said === '') return notTried('the reader did not say what it holds');
  return /^y(es)?$/i.test(said) ? asDocumented() : otherwise(said);
}
