import type { StoreAddress } from './address.js'
import { claim, isClaimed } from './marker.js'
import { Objects } from './objects.js'
import { probe } from './probe.js'

/**
 * The objects of a store that this process may come to own. Once a process: checks that the prefix is free or ours,
 * probes the store, and then claims the prefix. `isNew`: this process was the one that claimed it.
 *
 * Rejects with INVALID_ARGUMENT for a prefix of others, and with UNAVAILABLE for a store that cannot be used.
 */
export async function prepareStore(address: StoreAddress): Promise<{ objects: Objects; isNew: boolean }> {
  const objects = await Objects.open(address)
  // A prefix of others is left as it is: not even the probe writes there.
  await isClaimed(objects, address)
  await probe(objects, address)
  return { objects, isNew: await claim(objects, address) }
}
