"""The target service, typed: what anybody may ask, what its admin may do, and the oracle."""

from collections.abc import Iterator, Sequence

import httpx

from shared.client.service import EVERY_S, ServiceClient
from shared.client.waiting import Clock, wait_for
from shared.client.wire import segment
from shared.contract.base import JobState
from shared.contract.target import (
    BatchAnswer,
    BatchRequest,
    Deployment,
    DeploymentList,
    DeploymentSpec,
    History,
    HistoryAnswer,
    HistoryRequest,
    ItemPage,
    MembershipAnswer,
    MembershipQuestion,
    PopularItems,
    QueryCounts,
    Recommendations,
    UserPage,
)
from shared.errors import JobFailed, Unauthorized


class TargetClient(ServiceClient):
    """A target service, such as http://127.0.0.1:8001; see `ServiceClient`.

    api_key                for the public routes, if the service wants one
    admin_key, oracle_key  for those routes
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        admin_key: str | None = None,
        oracle_key: str | None = None,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(url, api_key=api_key, timeout_s=timeout_s, transport=transport, clock=clock)
        self._admin_key, self._oracle_key = admin_key, oracle_key

    def recommendations(
        self, user_id: str, *, k: int | None = None, deployment: str | None = None
    ) -> Recommendations:
        """One user's list; k = None is the service's default. Raises NotFound where strangers get none."""
        path = f"{_base(deployment)}/users/{segment(user_id)}/recommendations"
        return self._wire.get(Recommendations, path, {"k": k})

    def batch(self, user_ids: Sequence[str], *, k: int, deployment: str | None = None) -> BatchAnswer:
        """The lists of up to 1,000 users, in their order."""
        body = BatchRequest(user_ids=tuple(user_ids), k=k)
        return self._wire.post(BatchAnswer, f"{_base(deployment)}/recommendations:batch", body)

    def list_from_history(
        self, items: Sequence[str], *, k: int, deployment: str | None = None
    ) -> HistoryAnswer:
        """The list for somebody of whom only the history is known.

        Raises NotFound where the deployment makes none; BadInput if it does not have an item.
        """
        body = HistoryRequest(items=tuple(items), k=k)
        return self._wire.post(HistoryAnswer, f"{_base(deployment)}/recommendations", body)

    def popular(self, *, k: int | None = None, deployment: str | None = None) -> PopularItems:
        """The most popular items, best first."""
        return self._wire.get(PopularItems, f"{_base(deployment)}/popular", {"k": k})

    def items(self, *, page_size: int | None = None, deployment: str | None = None) -> Iterator[str]:
        """The ids of the whole catalogue, page after page."""
        cursor = None
        while True:
            params = {"limit": page_size, "cursor": cursor}
            page = self._wire.get(ItemPage, f"{_base(deployment)}/items", params)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def users(self, *, page_size: int | None = None, deployment: str | None = None) -> Iterator[str]:
        """The ids of all users with a public profile, page after page."""
        cursor = None
        while True:
            params = {"limit": page_size, "cursor": cursor}
            page = self._wire.get(UserPage, f"{_base(deployment)}/users", params)
            yield from page.users
            if (cursor := page.next_cursor) is None:
                return

    def history(self, user_id: str, *, deployment: str | None = None) -> History:
        """A user's public profile."""
        return self._wire.get(History, f"{_base(deployment)}/users/{segment(user_id)}/history")

    def deploy(self, spec: DeploymentSpec) -> Deployment:
        """Submit a deployment; it is trained in the background."""
        return self._wire.post(Deployment, "/admin/deployments", spec, key=self._admin())

    def deployments(self) -> tuple[Deployment, ...]:
        """All deployments, newest first."""
        return self._wire.get(DeploymentList, "/admin/deployments", key=self._admin()).deployments

    def deployment(self, deployment_id: str) -> Deployment:
        """One deployment, as it stands."""
        return self._wire.get(Deployment, _admin_path(deployment_id), key=self._admin())

    def wait(self, deployment_id: str, timeout_s: float = 3600.0) -> Deployment:
        """Wait until a deployment is done.

        Raises JobFailed if it ended without; ServiceUnreachable if it takes longer than `timeout_s`.
        """
        return wait_for(
            lambda: done(self.deployment(deployment_id)),
            what=f"the end of the training of {deployment_id}",
            timeout_s=timeout_s,
            every_s=EVERY_S,
            clock=self._clock,
        )

    def activate(self, deployment_id: str) -> Deployment:
        """Let `/v1/...` answer from this deployment."""
        return self._wire.post(Deployment, f"{_admin_path(deployment_id)}/activate", key=self._admin())

    def retrain(self, deployment_id: str) -> Deployment:
        """Train a deployment once more, by the same spec."""
        return self._wire.post(Deployment, f"{_admin_path(deployment_id)}/retrain", key=self._admin())

    def cancel(self, deployment_id: str) -> Deployment:
        """Ask a training to stop."""
        return self._wire.post(Deployment, f"{_admin_path(deployment_id)}/cancel", key=self._admin())

    def delete(self, deployment_id: str) -> None:
        """Delete a deployment and all that was stored for it."""
        self._wire.delete(_admin_path(deployment_id), key=self._admin())

    def queries(self, deployment_id: str) -> QueryCounts:
        """What a defender sees of the queries for lists."""
        return self._wire.get(QueryCounts, f"{_admin_path(deployment_id)}/queries", key=self._admin())

    def membership(self, user_ids: Sequence[str], *, deployment: str | None = None) -> MembershipAnswer:
        """Ask the oracle who was trained on; the service logs it."""
        if self._oracle_key is None:
            raise Unauthorized("the oracle needs a key; give oracle_key to the client")
        question = MembershipQuestion(user_ids=tuple(user_ids), deployment=deployment)
        return self._wire.post(MembershipAnswer, "/oracle/membership", question, key=self._oracle_key)

    def _admin(self) -> str:
        if self._admin_key is None:
            raise Unauthorized("the admin routes need a key; give admin_key to the client")
        return self._admin_key


def done(deployment: Deployment) -> Deployment | None:
    """Give a deployment that is done, None for one that is not yet. Raises JobFailed if it never will be."""
    if not deployment.state.is_final:
        return None
    if deployment.state is not JobState.DONE:
        reason = deployment.error or "no reason was given"
        raise JobFailed(f"the deployment {deployment.id} is {deployment.state}: {reason}")
    return deployment


def _base(deployment: str | None) -> str:
    return "/v1" if deployment is None else f"/v1/d/{segment(deployment)}"


def _admin_path(deployment_id: str) -> str:
    return f"/admin/deployments/{segment(deployment_id)}"
