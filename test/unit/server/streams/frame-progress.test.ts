import { describe, expect, it } from 'vitest'
import { FrameProgress } from '../../../../src/server/streams/frame-progress.js'
import { Random } from '../../../oracle/fault-random.js'

const TEXT = 0x1
const CONTINUED = 0x0
const PING = 0x9
const SEED = Number(process.env.SEED ?? 20_261_201)

/** As a client sends it. */
function frame(opcode: number, isFinal: boolean, payload: number): Buffer {
  const length = payload < 126 ? [payload] : payload < 65_536 ? [126, payload >> 8, payload] : [127, 0, 0, 0, 0]
  if (payload >= 65_536) length.push(payload >> 24, payload >> 16, payload >> 8, payload)
  length[0] = (length[0] as number) | 0x80
  return Buffer.concat([
    Buffer.from([(isFinal ? 0x80 : 0) | opcode, ...length, 1, 2, 3, 4]),
    Buffer.alloc(payload, 0x81),
  ])
}

describe('the frames of a stream', () => {
  it('are followed wherever they are cut', () => {
    const random = new Random(SEED)
    for (let round = 0; round < 100; round++) {
      const progress = new FrameProgress()
      let [bytes, ended] = [0, 0]
      let isFragmented = false
      for (let at = 0; at < 20; at++) {
        const isControl = random.chance(0.3)
        const isFinal = isControl || random.chance(0.5)
        const payload = random.pick([0, 1, 100, 125, ...(isControl ? [] : [126, 5_000, 70_000])])
        const sent = frame(isControl ? PING : isFragmented ? CONTINUED : TEXT, isFinal, payload)
        for (let from = 0; from < sent.length; ) {
          const to = Math.min(sent.length, from + 1 + random.below(random.chance(0.5) ? 3 : 40_000))
          progress.add(sent.subarray(from, to))
          if (to < sent.length) expect(progress.isInMessage, `seed ${SEED}`).toBe(!isControl || isFragmented)
          from = to
        }
        if (isControl) continue
        isFragmented = !isFinal
        bytes += sent.length
        if (isFinal) ended++
      }
      expect([progress.bytes, progress.ended, progress.isInMessage], `seed ${SEED}`).toEqual([
        bytes,
        ended,
        isFragmented,
      ])
    }
  })
})
