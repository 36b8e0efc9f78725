// An execution environment of Lambda. It gets events from its parent one by one, and answers each. It loads the bundle with the
// first, as a cold start does.   node worker.mjs <bundle>
const [bundle] = process.argv.slice(2);
const context = {
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:renew',
};

process.on('disconnect', () => process.exit()); // its parent is gone
process.on('message', async ({ event, timeout }) => {
  const began = performance.now();
  const getRemainingTimeInMillis = () => Math.round(timeout - (performance.now() - began));
  const { handler } = await import(bundle);
  process.send({ answer: await handler(event, { ...context, getRemainingTimeInMillis }) });
});
