import type { MaybePromise } from '../../../../src/core/maybe-promise.js'
import { HeldRoom } from '../../../../src/server/ticket.js'

/** The room of a request, without a request: its turn comes when `turn` resolves. */
export class LoneHolder extends HeldRoom {
  constructor(readonly turn: () => MaybePromise<void> = () => {}) {
    super()
  }
  end(): void {
    this.giveBack()
  }
}
