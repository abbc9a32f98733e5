"""The `sandboxd` command."""
import asyncio, sys
def main() -> None:
    from sandboxd.edge.runtime import Listener, make_world, run, serving
    from sandboxd.vault.bootstrap import start_dev
    from sandboxd.vault.world import Settings
    args = dict(a.lstrip("-").partition("=")[::2] for a in sys.argv[1:])
    host, _, port = args.get("dev-listen-address", "127.0.0.1:8200").rpartition(":")
    async def go() -> None:
        world = make_world(Settings(profile=args.get("as", "vault")))
        start_dev(world, args.get("dev-root-token-id", "root"))
        async with serving(world, [Listener(host, int(port))]) as a:
            print(a, flush=True)
            await asyncio.Event().wait()
    run(go)
main() if __name__ == "__main__" else None
