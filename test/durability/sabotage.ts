/**
 * Breaks the engine on purpose, from outside, to prove that the tests of this folder notice it. Two of the four faults
 * are the shim's: an fsync without effect, and a log that loses its last write.
 */
import { FileLog } from '../../src/log/file-log.js'
import { Shard } from '../../src/native/shard.js'

export type Sabotage = 'ackEarly' | 'ignoreTombstones'

export async function sabotage(how: Sabotage): Promise<void> {
  if (how === 'ignoreTombstones') {
    Shard.prototype.deletePoints = async function ignored(this: Shard, _ids: Uint32Array, seq: number) {
      this.advance(seq)
      return 0
    }
    return
  }
  const append = FileLog.prototype.append
  FileLog.prototype.append = function early(this: FileLog, ...args: Parameters<typeof append>) {
    const entry = append.apply(this, args)
    entry.durable.catch(() => undefined)
    return { ...entry, durable: Promise.resolve() }
  }
}
