"""`b24 demo`: everything from nothing, on this machine alone."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.conftest import environment, run_b24


def test_demo_once_ends_with_the_funnel_and_touches_nothing_of_yours(tmp_path: Path) -> None:
    """An OAuth connection, a full sync, the models, the funnel; your own settings are not used."""
    yours = environment(DATABASE_URL="postgresql://nobody@127.0.0.1:1/yours", B24_SECRET_KEYS="no key")
    shown = run_b24("demo", "--once", "--leads", "40", "--deals", "40", cwd=tmp_path, env=yours)
    assert shown.returncode == 0, shown.stderr
    assert "connecting the portal by OAuth" in shown.stderr
    assert "in stage" in shown.stdout
    assert (tmp_path / ".b24" / "demo" / "secret.keys").exists()
    listed = run_b24(
        "portal", "list", cwd=tmp_path, env=environment(B24_HOME=str(tmp_path / ".b24" / "demo"))
    )
    assert "connected" in listed.stdout


def test_a_second_demo_begins_anew(tmp_path: Path) -> None:
    """Its portal is another one; what the first had copied is gone."""
    for seed in ("1", "2"):
        shown = run_b24(
            "demo",
            "--once",
            "--leads",
            "30",
            "--deals",
            "30",
            "--seed",
            seed,
            cwd=tmp_path,
            env=environment(),
        )
        assert shown.returncode == 0, shown.stderr
