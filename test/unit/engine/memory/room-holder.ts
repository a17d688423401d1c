import type { Awaitable } from '../../../../src/core/awaitable.js'
import { HeldRoom } from '../../../../src/server/ticket.js'

/** One that a request has, without a request: its turn comes when `turn` says so. */
export class LoneHolder extends HeldRoom {
  constructor(readonly turn: () => Awaitable<void> = () => {}) {
    super()
  }
  end(): void {
    this.giveBack()
  }
}
