import type { Awaitable } from '../../../../src/core/awaitable.js'
import { HeldRoom } from '../../../../src/server/ticket.js'

/** The room of a request, without a request: its turn comes when `turn` resolves. */
export class LoneHolder extends HeldRoom {
  constructor(readonly turn: () => Awaitable<void> = () => {}) {
    super()
  }
  end(): void {
    this.giveBack()
  }
}
