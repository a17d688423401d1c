import { VicinalError } from '../../src/core/errors.js'
import { PlainReads } from '../../src/core/plain-reads.js'

async function none(): Promise<never> {
  throw new VicinalError('NOT_IMPLEMENTED', 'quality: not supported by the oracle')
}

/** The oracle makes no reports; tests of them compute each figure by themselves. */
export abstract class WithoutQuality extends PlainReads {
  readonly quality = none
  readonly qualityHistory = none
  readonly neighbours = none
  readonly setQualityReference = none
  readonly deleteQualityReference = none
  readonly pairs = none
}
