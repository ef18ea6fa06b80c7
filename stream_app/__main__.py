"""`python -m stream_app` is the console script `cg-trans-03`."""

from stream_app.cli.main import run

if __name__ == "__main__":
    run()
