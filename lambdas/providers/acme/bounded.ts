/** Requests at once. A CA sees one client with few connections, also for an order of a hundred names. */
const mostAtOnce = 8;

/** Returns the results of `work` for all items, in their order. After a failure no more work begins. */
export async function eachBounded<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()].reverse();
  const run = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [at, item] = next;
      results[at] = await work(item).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, run));
  return results;
}
