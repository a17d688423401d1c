import { LIMITS } from '../../core/limits.js'
import type { Mutex } from '../../core/mutex.js'
import { overloaded } from './overloaded.js'

/** Changes that callers ask for run one after the other; OVERLOADED where too many wait. `what` names them. */
export async function queuedChange<T>(mutex: Mutex, what: string, work: () => Promise<T>): Promise<T> {
  if (mutex.pending >= LIMITS.queuedChanges) throw overloaded(`${what} wait`, LIMITS.queuedChanges, mutex.pending)
  return await mutex.run(work)
}
