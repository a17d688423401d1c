import { VicinalError } from '../core/errors.js'
import { FileLog } from './file-log.js'
import { LogFollower } from './log-follower.js'
import type { LogFolder } from './recovery.js'

/** Copies the records above `afterSeq` up to `throughSeq` to the log of another collection, on stable storage. */
export async function copyLog(from: LogFolder, to: LogFolder, afterSeq: number, throughSeq: number): Promise<void> {
  const log = await FileLog.open({ ...to, cleanEnd: null, flushedSeq: afterSeq, create: true })
  const follower = new LogFollower(from, afterSeq)
  try {
    let durable = Promise.resolve()
    while (log.lastSeq < throughSeq) {
      const followed = await follower.poll()
      if (followed.state === 'reload' || followed.entries.length === 0) {
        throw new VicinalError('CORRUPT', `${from.folder}: the log ends at ${follower.seq}, expected ${throughSeq}`)
      }
      for (const { seq, record } of followed.entries) {
        if (seq <= throughSeq) durable = log.append(seq, record).durable
      }
      await durable
    }
  } finally {
    await follower.close()
    await log.close()
  }
  if (log.failure) throw log.failure
}
