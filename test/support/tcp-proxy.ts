import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes bytes on to a port of the loopback interface, and does so badly when a test wants it to. */
export type TcpProxy = {
  readonly port: number;
  /** `redis://127.0.0.1:<port>` for `redis`. */
  url(scheme: string): string;
  /** How late everything arrives from now on. */
  delayMs: number;
  /** Whether bytes vanish from now on, on all connections, without anybody being told. */
  isSilent: boolean;
  /** Whether new connections are closed at once. */
  isRefusing: boolean;
  /** New connections go to this port; those that are open stay where they are. */
  leadTo(port: number): void;
  /** Resets every connection that is open. */
  cut(): void;
  stop(): void;
};

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  let target = port;
  const sockets = new Set<Socket>();
  const forward = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (proxy.isSilent) return;
      if (proxy.delayMs === 0) to.write(bytes);
      else setTimeout(() => to.write(bytes), proxy.delayMs);
    });
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('error', () => to.destroy());
  };
  const server = createServer((near) => {
    if (proxy.isRefusing) {
      near.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    forward(near, far);
    forward(far, near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  const proxy: TcpProxy = {
    port: own,
    url: (scheme) => `${scheme}://127.0.0.1:${String(own)}`,
    delayMs: 0,
    isSilent: false,
    isRefusing: false,
    leadTo: (next) => (target = next),
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return proxy;
}
