export declare class Disk {
  constructor(root: string)
  readonly root: string
  absolute(path: string): string
}
